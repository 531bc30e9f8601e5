// The what-if chapter, made live. It sums up scores as evaluation/decide does (value, scenarios): exactly, without a
// random number, from the data beside it. It fetches, keeps and sends nothing; texts become text nodes, never markup.
"use strict";
(async () => {
  const [source, desk, table, chapter] = ["what-if-data", "what-if-desk", "what-if-table", "what-if"].map((id) =>
    document.getElementById(id));
  if (!source || !desk || !table || !chapter) return;
  const given = JSON.parse(source.textContent);
  const data = typeof given === "string" ? await unpacked(given) : given; // packed in a large report
  const { criteria, sections, useCases, sites } = data;
  const EQUAL = 1e-12; // two sums of the same numbers in another order differ by less than this
  const SLIDERS = 6;
  const PREFIX = "#what-if:";
  const FILL = { worst: 0, middle: 0.5, best: 1 };
  const GAPS = { open: "open, from worst to best (as signed)", worst: "the worst", middle: "the middle", best: "the best" };
  const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
  const tidy = (points) => Math.round(points * 1e4) / 1e4;
  const lasting = (seconds) => {
    const [factor, unit] = [[3600, "h"], [60, "min"], [1, "s"]].find(([each]) => seconds >= each) ?? [1, "s"];
    return `${Number((seconds / factor).toPrecision(2))} ${unit}`;
  };

  // -- weights: points of sections, within which the signed proportions stay ----------------------------
  const signedWeights = useCases.map(({ weights }) => weights.map((points) => points ?? 0));
  const signedPoints = signedWeights.map((own) => sections.map(({ members }) => tidy(sum(members.map((c) => own[c])))));
  /** The sections that have sliders: those that weigh most in a use case. */
  const movable = signedPoints.map((points) =>
    points.map((_, s) => s).filter((s) => points[s] > 0).sort((a, b) => points[b] - points[a] || a - b).slice(0, SLIDERS));
  const spans = useCases.map((_, use) => sites.map(({ answers }) => answers[use].lost).find((lost) => lost?.lengths.length));
  const MOST = Math.max(50, 20 * Math.ceil(Math.max(0, ...signedPoints.flat()) / 10));

  /** As unfold in decide/objectives.py: the smallest takes what rounding leaves over. */
  const shareOut = (points, shares) => {
    const parts = shares.map((share) => points * (share / sum(shares)));
    const least = parts.indexOf(Math.min(...parts.filter((_, i) => shares[i] > 0)));
    parts[least] = points - sum(parts.filter((_, i) => i !== least));
    return parts;
  };
  /** The weight of every criterion in a use case. */
  const weightsOf = ({ points }, use) => {
    const weights = [...signedWeights[use]];
    sections.forEach(({ members }, s) => {
      if (points[use][s] === signedPoints[use][s]) return;
      const ratio = points[use][s] / signedPoints[use][s];
      const parts = useCases[use].together[s] ? shareOut(points[use][s], useCases[use].shares[s]) : members.map((c) => tidy(weights[c] * ratio));
      members.forEach((c, i) => { weights[c] = parts[i]; });
    });
    return weights;
  };

  // -- the decision -----------------------------------------------------------------------------------
  const middle = ({ low, high, value }) => value ?? (low + high) / 2;
  /** What a criterion is worth; the time lost by the length of a unit, along the line of whatif.py. */
  const worth = (site, use, c, runtime, length) => {
    const { lost } = site.answers[use];
    if (lost?.criterion !== criteria[c].id) return site.scores[c][runtime];
    if (length === null || !lost.lines[runtime]) return lost.scores[runtime];
    const end = [lost.lengths[0], lost.lengths[2]].indexOf(length);
    if (end >= 0) return lost.ends[end][runtime];
    const [base, least, leastEach, most, mostEach] = lost.lines[runtime];
    const [worst, best] = lost.scale;
    const place = (seconds) => Math.min(1, Math.max(0, (seconds / (length + base) - worst) / (best - worst)));
    const high = place(least + leastEach * length);
    return typeof lost.scores[runtime] === "number" ? high : [place(most + mostEach * length), high];
  };
  const totals = (site, use, every, field, { gaps, lengths }) => {
    const weights = every.map((points, c) => (site.inapplicable.includes(c) ? 0 : points)); // what the site cannot have
    const points = sum(weights);
    return field.map((runtime) => {
      const total = { low: 0, high: 0, value: 0 };
      weights.forEach((weight, c) => {
        if (!(weight > 0)) return;
        const [score, share] = [worth(site, use, c, runtime, lengths[use]), weight / points];
        const known = typeof score === "number" ? score : gaps in FILL ? score[0] + FILL[gaps] * (score[1] - score[0]) : null;
        total.low += (known ?? score[0]) * share;
        total.high += (known ?? score[1]) * share;
        total.value = known === null || total.value === null ? null : total.value + known * share;
      });
      return total;
    });
  };

  /** The runtimes that an answer speaks of: of each product its best mode, as signed. */
  const spokenOf = (site, { standings }) => site.runtimes.map((_, i) => i).filter((i) => Object.hasOwn(standings, site.runtimes[i]));
  /** Who shares the first place, or could be put there by missing evidence; the best first. */
  const decide = (site, use, weights, of) => {
    const answer = site.answers[use];
    const field = spokenOf(site, answer).filter((i) => !(of.knockOuts && Object.hasOwn(answer.knockedOut, site.runtimes[i])));
    const scores = totals(site, use, weights, field, of);
    const order = field.map((_, i) => i).sort((a, b) => middle(scores[b]) - middle(scores[a]) || a - b);
    const bestLow = Math.max(...scores.map(({ low }) => low));
    const group = order.filter((i) => scores[i].high >= bestLow - data.tie - EQUAL);
    const names = group.map((i) => site.runtimes[field[i]]);
    const vetoed = of.knockOuts ? names.filter((name) => Object.hasOwn(answer.open, name)) : [];
    const open = group.length > 1 && group.some((i) => scores[i].value === null);
    const standing = open || vetoed.length ? "undecided" : group.length > 1 ? "tied" : "first";
    return { field, scores, order, group, names, vetoed, open, standing, answer };
  };

  /** Every declared change of the decision, as decide/scenarios.py: a title, weights, and what else differs. */
  const scenarios = (of, use, site) => {
    const weights = weightsOf(of, use).map((points, c) => (site.inapplicable.includes(c) ? 0 : points));
    const pointsOf = sections.map(({ members }) => sum(members.map((c) => weights[c])));
    const parts = sections.flatMap((_, s) => (pointsOf[s] > 0 ? [s] : []));
    const only = (kept, take) => weights.map((weight, c) => {
      const s = kept.find((each) => sections[each].members.includes(c));
      return s === undefined ? 0 : take(weight, pointsOf[s]);
    });
    const declared = (change) => data.scenarios.includes(change);
    const found = [["With these weights", weights, of]];
    if (parts.length > 1 && declared("objectives alike")) found.push(["All alike", only(parts, (weight, points) => weight / points), of]);
    if (parts.length > 1 && declared("each objective left out"))
      for (const s of parts) found.push([`Without: ${sections[s].title}`, only(parts.filter((each) => each !== s), (weight) => weight), of]);
    const { lost, knockedOut, open } = site.answers[use];
    const timed = lost?.lengths.length && weights[criteria.findIndex(({ id }) => id === lost.criterion)] > 0;
    for (const end of timed && declared("short and long units") ? [0, 2] : [])
      found.push([`${lasting(lost.lengths[end])} of computing in each ${lost.unit}`, weights, { ...of, lengths: of.lengths.with(use, lost.lengths[end]) }]);
    if (decide(site, use, weights, of).scores.some(({ value }) => value === null))
      for (const gaps of ["worst", "best"])
        if (declared(`unmeasured at ${gaps}`)) found.push([`Missing evidence is ${GAPS[gaps]}`, weights, { ...of, gaps }]);
    if (Object.keys(knockedOut).length || Object.keys(open).length)
      found.push(["Nobody is knocked out", weights, { ...of, knockOuts: false }]);
    return found.map(([title, own, how]) => ({ title, ...(sum(own) > 0 ? decide(site, use, own, how) : { names: [] }) }));
  };

  // -- the state, which is the link too -----------------------------------------------------------------
  const start = () => ({ use: 0, gaps: "open", knockOuts: true, lengths: useCases.map(() => null), points: signedPoints.map((each) => [...each]), shared: false, foreign: false });
  let state = start();
  let kept = null;
  const changed = (of, use) => of.points[use].some((points, s) => points !== signedPoints[use][s]);
  const asSigned = (of, uses = [of.use]) => of.gaps === "open" && of.knockOuts && uses.every((use) => !changed(of, use) && of.lengths[use] === null);
  const untouched = (of) => asSigned(of, [...useCases.keys()]);

  const written = (of) => {
    const said = new URLSearchParams({ criteria: data.signed.slice(0, 12), use: useCases[of.use].id });
    if (of.gaps !== "open") said.set("gaps", of.gaps);
    if (!of.knockOuts) said.set("knock-outs", "off");
    useCases.forEach(({ id }, use) => {
      const moved = sections.flatMap((section, s) => of.points[use][s] === signedPoints[use][s] ? [] : [`${section.id}:${of.points[use][s]}`]);
      if (moved.length) said.set(`points.${id}`, moved.join("~"));
      if (of.lengths[use] !== null) said.set(`length.${id}`, of.lengths[use]);
    });
    return PREFIX + said;
  };
  /** Read a link; what it does not know is left as signed. */
  const read = (link) => {
    const said = new URLSearchParams(link.slice(PREFIX.length));
    const found = start();
    found.use = Math.max(0, useCases.findIndex(({ id }) => id === said.get("use")));
    if (data.gaps.includes(said.get("gaps"))) found.gaps = said.get("gaps");
    found.knockOuts = said.get("knock-outs") !== "off";
    useCases.forEach(({ id }, use) => {
      const length = Number.parseFloat(said.get(`length.${id}`));
      if (length > 0 && length <= 1e9 && spans[use]) found.lengths[use] = length;
      for (const pair of (said.get(`points.${id}`) ?? "").split("~")) {
        const [name, number] = pair.split(":");
        const points = Number.parseFloat(number);
        const s = sections.findIndex((each) => each.id === name);
        if (points >= 0 && points <= 1e6 && signedPoints[use][s] > 0) found.points[use][s] = tidy(points);
      }
    });
    found.foreign = (said.get("criteria") ?? "") !== data.signed.slice(0, 12);
    return found;
  };

  let [committed, depth, last] = [written(state), 0, { by: "", at: 0 }];
  /** Keep a change in the browser's history, so that Back undoes it; moves of one slider within a second are one. */
  const commit = (by) => {
    const now = written(state);
    if (now === committed) return;
    const again = by === last.by && Date.now() - last.at < 1000;
    last = { by, at: Date.now() };
    try {
      if (!history.state) history.replaceState({ said: committed, depth }, "");
      if (!again) depth += 1;
      const address = untouched(state) ? location.href.split("#")[0] : now;
      history[again ? "replaceState" : "pushState"]({ said: now, depth }, "", address);
    } catch { /* a browser refuses many changes of the address within a short time */ }
    committed = now;
    redraw();
  };
  const take = (link) => { state = read(link); committed = written(state); };
  /** Take the state from a link that somebody shared; say whether there is one. */
  const arrive = () => {
    if (!location.hash.startsWith(PREFIX)) return false;
    take(location.hash);
    state.shared = true;
    for (let around = desk.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
    return true;
  };

  // -- the file -----------------------------------------------------------------------------------------
  /** The criteria file with the moved weights, and the reason as the comment behind each that stands on a line of its own. */
  const file = async (reason) => {
    const weights = useCases.map((_, use) => weightsOf(state, use));
    let comment = "";
    return (await unpacked(data.file)).map((piece) => {
      if (typeof piece === "string") {
        const note = comment;
        comment = "";
        return note ? piece.replace(/^[ \t]*(#[^\r\n]*)?(?=[\r\n]|$)/, () => `  # ${note}`) : piece;
      }
      const [name, weighed, number, key = ""] = piece;
      if (piece.length === 2) return ""; // where a weight could be added
      const use = useCases.findIndex(({ id }) => id === name);
      const [c, s] = [criteria, sections].map((all) => all.findIndex(({ id }) => id === weighed));
      const [was, now] = piece.length === 5 ? [signedPoints[use][s], state.points[use][s]] : [signedWeights[use][c], weights[use][c]];
      if (was === now) return key + number;
      comment = reason;
      return key + now;
    }).join("");
  };

  const download = async () => {
    const reason = why.value.replace(/[\s\p{C}]+/gu, " ").trim();
    const address = URL.createObjectURL(new Blob([await file(reason)], { type: "application/yaml" }));
    make("a", { href: address, download: "criteria.yaml" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };

  // -- the desk -----------------------------------------------------------------------------------------
  const SVG = "http://www.w3.org/2000/svg";
  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "on") for (const [event, does] of Object.entries(value)) element.addEventListener(event, does);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const make = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const draw = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const listed = (names, word = "and") =>
    names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
  const percent = (share) =>
    share > 0 && share < 0.01 ? "< 1 %" : share > 0.99 && share < 1 ? "> 99 %" : `${Math.round(share * 100)} %`;
  const heads = (texts, css) => texts.map((text) => make("th", { scope: "col", class: css ?? null }, text));
  const region = (css, name, ...children) => make("div", { class: `scroll ${css}`, role: "region", tabindex: "0", "aria-label": name }, ...children);

  const choices = (legend, name, options, choose) => {
    const inputs = options.map(([value]) => make("input", {
      type: "radio", name: `what-if-${name}`, value, on: { change: () => { choose(value); commit(name); } },
    }));
    const labels = options.map(([, text], i) => make("label", {}, inputs[i], make("span", {}, text)));
    const set = make("fieldset", {}, make("legend", {}, legend), ...labels);
    return { set, show: (value) => inputs.forEach((each) => { each.checked = each.value === String(value); }) };
  };
  const useChoice = choices("Use case", "use", useCases.map(({ title }, i) => [i, title]), (value) => { state.use = Number(value); });
  const gapsChoice = choices("Missing evidence is", "gaps", data.gaps.map((gaps) => [gaps, GAPS[gaps]]), (value) => { state.gaps = value; });
  const knockOuts = make("input", { type: "checkbox", on: { change: () => { state.knockOuts = knockOuts.checked; commit("knock-outs"); } } });
  const span = () => spans[state.use]?.lengths;
  const length = make("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Length of a unit of work", on: {
    input: () => { state.lengths[state.use] = Number((span()[0] * (span()[2] / span()[0]) ** (length.value / 100)).toPrecision(3)); later(); },
    change: () => commit("length"),
  } });
  const long = make("span", { class: "now" });
  const lengthChoice = make("fieldset", { class: "length" }, make("legend", {}, "One unit of work takes"), length, long);
  const button = (text, does, css = null) => make("button", { type: "button", class: css, on: { click: does } }, text);
  const undo = button("Undo", () => history.back());
  const reset = button("Reset", () => { state = { ...start(), use: state.use }; commit("reset"); });
  const keep = button("Keep as A", () => { kept = structuredClone(state); redraw(); });
  const why = make("input", { type: "text", id: "what-if-why", maxlength: "200", autocomplete: "off", on: { input: () => redraw() } });
  const save = button("Download criteria.yaml", download, "main");
  const banner = make("p", { class: "banner", hidden: true });
  const verdict = make("div", { class: "verdict", role: "status", "aria-live": "polite", "aria-atomic": "true" });

  const panels = sites.map((site) => {
    const sentence = make("p");
    verdict.append(sentence);
    const [caption, body, changes] = [make("caption"), make("tbody"), make("table", { class: "assumptions" })];
    const cells = site.runtimes.map((runtime) => {
      const range = draw("line", { class: "range", y1: 6, y2: 6 });
      const mark = draw("circle", { cy: 6, r: 4 });
      const bar = draw("svg", { class: "bar", width: "100%", height: 12, "aria-hidden": "true" },
        draw("line", { class: "track", x1: "0", x2: "100%", y1: 6, y2: 6 }), range, mark);
      const [word, note] = [make("span", { class: "state" }), make("small")];
      const [score, chance] = [make("td", { class: "number" }), make("td", { class: "number" })];
      const row = make("tr", {}, make("th", { scope: "row" }, runtime, bar), make("td", {}, word, note), score, chance);
      return { row, range, mark, word, note, score, chance };
    });
    const result = make("table", {}, caption, make("thead", {},
      make("tr", {}, ...heads(["Runtime", "Standing"]), ...heads(["Score", "First in, as signed"], "number"))), body);
    const named = sites.length > 1 ? `, ${site.title}` : "";
    return { site, named, sentence, caption, body, changes, cells,
      panels: [region("result", `Scores${named}`, result), region("changed", `What would turn it${named}`, changes)] };
  });

  const groups = [...table.querySelectorAll("tbody[data-section]")].map((body) => {
    const place = Number(body.dataset.section);
    const head = body.querySelector(".whole th > span");
    const unfold = (open) => { body.classList.toggle("folded", !open); opener.setAttribute("aria-expanded", String(open)); };
    const opener = button(head.textContent, () => unfold(body.classList.contains("folded")));
    head.replaceChildren(opener);
    unfold(false);
    const input = make("input", { type: "range", min: 0, max: MOST, step: 1, "aria-label": `Points of ${sections[place].id}`,
      on: { input: () => { state.points[state.use][place] = Number(input.value); later(); }, change: () => commit(`slider ${place}`) } });
    const [output, stands] = [make("span", { class: "now" }), make("small", { class: "stands" })];
    const strips = draw("svg", { class: "stability", width: "100%", height: 4 * sites.length, "aria-hidden": "true" });
    const slide = make("td", { class: "slide" }, input, strips, output, stands);
    body.querySelector(".whole th").after(slide);
    return { place, input, output, stands, strips, slide };
  });
  table.querySelector("thead th").after(make("th", { scope: "col", class: "slide" }, "Points now"));

  // -- showing ------------------------------------------------------------------------------------------
  const sentence = (site, { names, order, field, scores, standing, vetoed, answer, group }) => {
    if (!names.length) return Object.keys(answer.knockedOut).length ? "no runtime is eligible" : "nothing was measured";
    if (vetoed.length) {
      const open = [...new Set(vetoed.flatMap((name) => answer.open[name]))];
      return `undecided: not known whether ${listed(open)} would knock out ${listed(vetoed, "or")}`;
    }
    if (standing === "undecided") return `undecided: missing evidence could put ${listed(names, "or")} first`;
    if (standing === "tied") return `${listed(names)} are alike`;
    const next = order.find((i) => !group.includes(i));
    if (next === undefined) return `${names[0]} would be first, the only one eligible`;
    return `${names[0]} would be first, ${(middle(scores[group[0]]) - middle(scores[next])).toFixed(2)} ahead of ${site.runtimes[field[next]]}`;
  };

  const showSite = ({ site, named, cells, ...panel }) => {
    const shown = decide(site, state.use, weightsOf(state, state.use), state);
    const { answer, field, scores } = shown;
    const signed = asSigned(state);
    const title = `${useCases[state.use].title}${named}`;
    say(panel.sentence, `${title}: ${sentence(site, shown)}.`);
    say(panel.caption, `${title}: ${signed ? "as signed" : "with these settings; no chance is known of what was not signed"}`);
    const out = spokenOf(site, answer).filter((i) => !field.includes(i));
    const order = [...shown.order.map((i) => field[i]), ...out];
    for (const runtime of order) {
      const { row, range, mark, word, note, score, chance } = cells[runtime];
      const name = site.runtimes[runtime];
      const at = field.indexOf(runtime);
      const found = at < 0 ? null : scores[at];
      const standing = at < 0 ? "knocked out" : signed ? answer.standings[name] : shown.group.includes(at) ? shown.standing : "behind";
      const { word: text, tone } = data.words[standing];
      row.dataset.runtime = name;
      row.className = tone;
      word.className = `state ${tone}`;
      say(word, text);
      say(note, at < 0 ? answer.knockedOut[name] : "");
      say(score, !found ? "–" : found.value === null ? `${found.low.toFixed(2)}–${found.high.toFixed(2)}` : found.value.toFixed(2));
      say(chance, (signed && at >= 0 && answer.chances[name]) || "–");
      row.dataset.low = found?.low ?? "";
      row.dataset.high = found?.high ?? "";
      for (const [shape, attribute, place] of [[range, "x1", found?.low], [range, "x2", found?.high], [mark, "cx", found?.value ?? undefined]]) {
        shape.setAttribute("visibility", place === undefined ? "hidden" : "visible");
        shape.setAttribute(attribute, `${2 + 96 * (place ?? 0)}%`);
      }
    }
    panel.body.replaceChildren(...order.map((runtime) => cells[runtime].row));
    showChanges(panel.changes, site, title);
  };

  /** Every scenario, as signed, as kept and as it is now: who would be first, and where that turns. */
  const showChanges = (changes, site, title) => {
    const columns = [["Signed", start()], ...(kept ? [["A", kept]] : []), [kept ? "B, now" : "Now", state]];
    const found = columns.map(([, of]) => scenarios(of, state.use, site));
    const points = movable[state.use].map((s) => make("tr", {}, make("th", { scope: "row" }, sections[s].title, " ", make("small", {}, "points")),
      ...columns.map(([, of]) => make("td", {}, String(of.points[state.use][s])))));
    const rows = [...new Set(found.flat().map((each) => each.title))].map((name) => make("tr", { "data-scenario": name }, make("th", { scope: "row" }, name),
      ...found.map((all) => {
        const { names, open } = all.find((each) => each.title === name) ?? all[0]; // or it changes nothing there
        return make("td", { class: String(names) === String(all[0].names) ? null : "differs" }, listed(names, open ? "or" : "and") || "nobody");
      })));
    changes.replaceChildren(
      make("caption", {}, `${title}: who would be first under each change; "or" where missing evidence decides. What differs from the first row is marked.`),
      make("thead", {}, make("tr", {}, ...heads(["If", ...columns.map(([name]) => name)]))),
      make("tbody", {}, ...rows), ...(kept ? [make("tbody", {}, ...points)] : []));
  };

  const showSlider = ({ place, input, output, stands, strips, slide }, total) => {
    const [points, was] = [state, { points: signedPoints }].map(({ points: all }) => all[state.use][place]);
    const moves = movable[state.use].includes(place);
    for (const child of slide.children) child.toggleAttribute("hidden", !moves);
    if (Number(input.value) !== Math.min(points, MOST)) input.value = points;
    say(output, `${points} · ${percent(total ? points / total : 0)}${points === was ? "" : `, signed ${was}`}`);
    input.setAttribute("aria-valuetext", `${points} points, ${percent(total ? points / total : 0)} of the weight`);
    output.classList.toggle("moved", points !== was);
    const ranges = sites.map((site) => site.answers[state.use].stability[place]);
    const across = (end) => (100 * Math.min(end ?? Infinity, MOST)) / MOST;
    strips.replaceChildren(...ranges.flatMap((ends, s) => (ends ? [draw("rect", {
      x: `${across(ends[0])}%`, y: 4 * s, height: 3, width: `${Math.max(0.5, across(ends[1]) - across(ends[0]))}%`,
    })] : [])));
    say(stands, ranges.flatMap((ends, s) => (ends
      ? [`leader is first at ${ends[2] === "any" ? "any weight" : `${ends[2]} points`}${panels[s].named}`] : [])).join("; "));
  };

  const redraw = () => {
    const began = performance.now();
    const total = sum(state.points[state.use]);
    const moved = useCases.flatMap(({ title }, use) => (changed(state, use) ? [title] : []));
    say(banner, [
      state.shared ? "This is what a shared link proposes" : "",
      moved.length ? `These weights are not the signed ones: ${listed(moved)}. The rest of this report keeps those of criteria.yaml${data.signed ? `, SHA-256 ${data.signed.slice(0, 12)}` : ""}` : "",
      changed(state, state.use) && data.points && Math.abs(total - data.points) > EQUAL * total ? `They add up to ${tidy(total)} points, not to ${data.points}, as evaluation validate asks` : "",
      state.foreign && state.shared ? "The link was made with other criteria than this report; what it does not know is left as signed" : "",
    ].filter(Boolean).map((text) => `${text}.`).join(" "));
    banner.hidden = !banner.textContent;
    for (const group of groups) showSlider(group, total);
    lengthChoice.hidden = !span();
    if (span()) {
      const now = state.lengths[state.use] ?? span()[1];
      length.value = (100 * Math.log(now / span()[0])) / Math.log(span()[2] / span()[0]);
      say(long, `${lasting(now)}${now === span()[1] ? ", as signed" : "; only tried out, not in the file"}`);
      length.setAttribute("aria-valuetext", `one ${spans[state.use].unit}: ${long.textContent}`);
    }
    useChoice.show(state.use);
    gapsChoice.show(state.gaps);
    knockOuts.checked = state.knockOuts;
    for (const panel of panels) {
      if (total > 0) showSite(panel);
      else say(panel.sentence, "Nothing has any weight, so nothing can be said.");
    }
    undo.disabled = depth === 0;
    reset.disabled = untouched(state);
    const valid = state.points.every((each) => sum(each) > 0);
    save.disabled = !data.file.length || !valid || (moved.length > 0 && !why.value.trim());
    chapter.classList.toggle("tried", !untouched(state));
    performance.measure("what-if redraw", { start: began, end: performance.now() });
  };
  let waiting = 0;
  const later = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; redraw(); }); };

  desk.append(
    banner,
    make("h3", {}, "Try it"),
    make("div", { class: "controls" }, useChoice.set, lengthChoice, gapsChoice.set,
      make("fieldset", {}, make("legend", {}, "Knock-outs"), make("label", {}, knockOuts, make("span", {}, "hold (as signed)")))),
    make("div", { class: "outcome" }, verdict, ...panels.flatMap((each) => each.panels),
      make("p", { class: "actions" }, undo, reset, keep),
      make("p", { class: "actions" }, make("label", { for: "what-if-why" }, "Why? It becomes the comment in the file"), why, save,
        make("small", {}, "The address of this page keeps the settings: copy it to share them. Nothing is sent."))),
  );
  chapter.classList.add("live");
  const arrived = arrive();
  if (history.state?.said) [depth] = [history.state.depth, take(history.state.said)];
  redraw();
  if (arrived) banner.scrollIntoView();
  addEventListener("popstate", ({ state: entry }) => {
    last.by = "";
    if (entry?.said) [depth] = [entry.depth, take(entry.said)];
    else if (!arrive()) return;
    redraw();
  });
})();
