// The what-if chapter, made live. It decides as evaluation/decide does (value, chances, standing), from the
// data beside it, and fetches, keeps and sends nothing. Texts become text nodes, never markup.
"use strict";
(async () => {
  const source = document.getElementById("what-if-data");
  const desk = document.getElementById("what-if-desk");
  const table = document.getElementById("what-if-table");
  const chapter = document.getElementById("what-if");
  if (!source || !desk || !table || !chapter) return;
  const given = JSON.parse(source.textContent);
  const data = typeof given === "string" ? await unpacked(given) : given; // packed in a large report
  const { method, criteria, sections, useCases, sites } = data;
  const EQUAL = 1e-12; // two sums of the same numbers in another order differ by less than this
  const PREFIX = "#what-if:";
  const ADDED = "  # added at the desk of the report's what-if chapter";
  const FILL = { worst: 0, middle: 0.5, best: 1 };
  const GAPS = {
    open: "open, from worst to best (as signed)",
    worst: "the worst",
    middle: "the middle",
    best: "the best",
  };

  // -- random numbers: a stream per name, the same for every reader ----------------------------------

  /** FNV-1a (Fowler, Noll, Vo) of a name. */
  const hash = (name) => {
    let h = 0x811c9dc5;
    for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
    return h >>> 0;
  };
  /** The last step of MurmurHash3 (A. Appleby) over a counter: number `i` of a stream, in 0..1. */
  const random = (key, i) => {
    let x = (key + Math.imul(i + 1, 0x9e3779b9)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
  };
  const stream = (name) => hash(`${method.seed} ${name}`);

  const factors = criteria.map(({ id }) => {
    const key = stream(`weight ${id}`);
    return Float64Array.from({ length: method.draws }, (_, i) => 1 + method.range * (2 * random(key, i) - 1));
  });

  /**
   * Bootstrap the blocks of a site: medians of resamples. All runtimes of a probe draw the same blocks; one that
   * lacks a block passes over it and draws again.
   */
  const replicate = (site) => {
    const spread = new Map();
    const chosen = new Map();
    const drawn = (every, probe, more) => {
      const name = `${every} ${probe}${more ? ` ${more}` : ""}`;
      if (!chosen.has(name)) {
        const key = stream(`blocks ${probe}${more ? ` ${more}` : ""}`);
        chosen.set(name, Uint16Array.from({ length: every * method.resamples }, (_, i) => random(key, i) * every));
      }
      return chosen.get(name);
    };
    for (const [criterion, runtime, probe, text, lost] of site.noise) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const count = bytes.length / 2;
      const every = count + lost.length;
      let at = 0;
      const places = Float64Array.from({ length: every }, (_, i) => {
        if (lost.includes(i)) return NaN;
        const step = bytes[2 * at] + 256 * bytes[2 * at + 1];
        at++;
        return (step / method.steps) * (1 + 2 * method.beyond) - method.beyond;
      });
      const name = `picks ${probe}`;
      if (!chosen.has(name)) {
        const key = stream(name);
        chosen.set(name, Uint16Array.from({ length: method.draws }, (_, i) => random(key, i) * method.resamples));
      }
      const sample = new Float64Array(count);
      const medians = Float64Array.from({ length: method.resamples }, (_, k) => {
        for (let j = 0, filled = 0; filled < count; j++) {
          const place = places[drawn(every, probe, Math.floor(j / every))[k * every + (j % every)]];
          if (place === place) sample[filled++] = place; // not a number where this runtime has no such block
        }
        sample.sort();
        const middle = (sample[(count - 1) >> 1] + sample[count >> 1]) / 2;
        return Math.min(1, Math.max(0, middle));
      });
      spread.set(criterion * site.runtimes.length + runtime, { medians, picks: chosen.get(name) });
    }
    for (const [criterion, runtime, probe, upTo, none, all] of site.turns) {
      const key = stream(`turns ${probe} ${site.runtimes[runtime]}`);
      const turns = upTo.length - 1;
      const medians = Float64Array.from({ length: method.resamples }, (_, k) => {
        const drawn = random(key, k);
        return none + (upTo.filter((chance, held) => held < turns && chance <= drawn).length / turns) * (all - none);
      });
      const name = `picks ${probe}`;
      if (!chosen.has(name)) {
        const picks = stream(name);
        chosen.set(name, Uint16Array.from({ length: method.draws }, (_, i) => random(picks, i) * method.resamples));
      }
      spread.set(criterion * site.runtimes.length + runtime, { medians, picks: chosen.get(name) });
    }
    return spread;
  };

  // -- the decision -----------------------------------------------------------------------------------

  const known = (score, gaps) => {
    if (typeof score === "number") return score;
    return gaps in FILL ? score[0] + FILL[gaps] * (score[1] - score[0]) : null;
  };

  /** What a criterion is worth in the use case at hand: the time lost differs from one to the next. */
  const worth = (site, c, r) => {
    const { lost } = site.answers[state.use];
    return lost && c === lost.at ? lost.scores[r] : site.scores[c][r];
  };
  const spreadOf = (site, c) => {
    const { lost } = site.answers[state.use];
    if (lost && c === lost.at) return (lost.spread ??= replicate({ ...site, noise: lost.noise, turns: [] }));
    return (site.spread ??= replicate(site));
  };

  /** ``length``, where it is given, is the place of a shorter or longer unit of work in ``lost.lengths``. */
  const totals = (site, weights, field, gaps, length) => {
    const { lost } = site.answers[state.use];
    const points = weights.reduce((sum, each) => sum + each, 0);
    return field.map((runtime) => {
      let [low, high, value] = [0, 0, 0];
      weights.forEach((weight, c) => {
        if (!(weight > 0)) return;
        const score = length !== undefined && c === lost.at ? lost.lengths[length][runtime] : worth(site, c, runtime);
        const share = weight / points;
        const at = known(score, gaps);
        low += (at ?? score[0]) * share;
        high += (at ?? score[1]) * share;
        value = at === null ? NaN : value + at * share;
      });
      return { low, high, value: Number.isNaN(value) ? null : value };
    });
  };

  /** The value that most have, of those that are known and the same in every draw. */
  const commonest = (values) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), [0, 0])[0];
  };

  /**
   * The least probability of each to be first. Only who is before whom matters, so weights are not normalised,
   * and what most runtimes get for a criterion is left out of all of them: most sums are never made.
   */
  const chances = (site, weights, field, gaps) => {
    const n = method.draws;
    const score = (c, r) => known(worth(site, c, r), gaps);
    const open = field.map((r) => weights.some((weight, c) => weight > 0 && score(c, r) === null));
    const low = field.map(() => new Float64Array(n));
    const high = low.map((own, i) => (open[i] ? new Float64Array(n) : own));
    const sum = new Float64Array(n);
    const part = new Float64Array(n);
    weights.forEach((weight, c) => {
      if (!(weight > 0)) return;
      const factor = factors[c];
      for (let d = 0; d < n; d++) {
        part[d] = weight * factor[d];
        sum[d] += part[d];
      }
      const noisy = field.map((r) => spreadOf(site, c).get(c * site.runtimes.length + r));
      const at = field.map((r) => score(c, r));
      const base = commonest(at.filter((each, i) => each !== null && !noisy[i]));
      field.forEach((_, i) => {
        const [below, above] = [low[i], high[i]];
        if (at[i] === null) {
          const [least, most] = worth(site, c, field[i]);
          for (let d = 0; d < n; d++) {
            below[d] += part[d] * (least - base);
            above[d] += part[d] * (most - base);
          }
        } else if (noisy[i]) {
          const { medians, picks } = noisy[i];
          for (let d = 0; d < n; d++) below[d] += part[d] * (medians[picks[d]] - base);
          if (open[i]) for (let d = 0; d < n; d++) above[d] += part[d] * (medians[picks[d]] - base);
        } else if (at[i] !== base) {
          const worth = at[i] - base;
          for (let d = 0; d < n; d++) below[d] += part[d] * worth;
          if (open[i]) for (let d = 0; d < n; d++) above[d] += part[d] * worth;
        }
      });
    });
    const firsts = field.map(() => 0);
    for (let d = 0; d < n; d++) {
      const near = EQUAL * sum[d];
      let [first, best, second] = [-1, -Infinity, -Infinity];
      for (let j = 0; j < field.length; j++) {
        const reach = high[j][d];
        if (reach > best) [first, best, second] = [j, reach, best];
        else if (reach > second) second = reach;
      }
      for (let i = 0; i < field.length; i++) {
        if (low[i][d] < (i === first ? second : best) - near) continue;
        let tied = 1;
        for (let j = 0; j < field.length; j++) {
          if (j !== i && Math.abs(high[j][d] - low[i][d]) <= near) tied++;
        }
        firsts[i] += 1 / tied;
      }
    }
    return firsts.map((each) => each / n);
  };

  /** The standing rule of evaluation/decide/standing.py, on places in the field. */
  const rank = (scores, chance, unresolved) => {
    const middle = ({ low, high, value }) => value ?? (low + high) / 2;
    const order = scores.map((_, i) => i).sort((a, b) => middle(scores[b]) - middle(scores[a]) || a - b);
    const bestLow = Math.max(...scores.map(({ low }) => low));
    let group = order.filter((i) => scores[i].high >= bestLow - method.tie - EQUAL);
    const overlap = group.length > 1 && group.some((i) => scores[i].value === null);
    const together = (places) => places.reduce((total, i) => total + chance[i], 0);
    let standing = group.length === 1 ? "recommended" : "tied";
    if (overlap || group.some((i) => unresolved[i])) {
      standing = "undecided";
    } else if (together(group) < method.bar - EQUAL) {
      standing = "too close to call";
      const rest = order.filter((i) => !group.includes(i)).sort((a, b) => chance[b] - chance[a] || a - b);
      for (const i of rest) {
        if (chance[i] <= 0 || together(group) >= method.bar - EQUAL) break;
        group = [...group, i];
      }
      const gap = group.some((i) => scores[i].value === null);
      const hidden = order.filter((i) => !group.includes(i) && (gap || scores[i].value === null));
      if (hidden.length && together(group) < method.bar - EQUAL) {
        const reach = Math.max(...hidden.map((i) => scores[i].high)) - method.tie - EQUAL;
        group = [...group, ...hidden.filter((i) => scores[i].high >= reach)];
        standing = "undecided";
      }
    }
    return { order, group, standings: scores.map((_, i) => (group.includes(i) ? standing : "behind")) };
  };

  /** Who is first, or could be by what is missing. */
  const leaders = (scores) => {
    const bestLow = Math.max(...scores.map(({ low }) => low));
    return scores.flatMap(({ high }, i) => (high >= bestLow - method.tie - EQUAL ? [i] : []));
  };
  /** The scenarios of evaluation/decide/scenarios.py, the other sites left out: who is first in each. */
  const scenarios = (site, weights, field, gaps) => {
    const parts = sections.map(({ members }) => members.filter((c) => weights[c] > 0)).filter((part) => part.length);
    const declared = (change) => method.scenarios.includes(change);
    const first = (points, filled = gaps) => leaders(totals(site, points, field, filled));
    const found = [first(weights)];
    if (parts.length > 1 && declared("objectives alike")) {
      const alike = weights.map(() => 0);
      for (const part of parts) part.forEach((c) => { alike[c] = weights[c] / sum(part.map((each) => weights[each])); });
      found.push(first(alike));
    }
    if (parts.length > 1 && declared("each objective left out")) {
      for (const part of parts) found.push(first(weights.map((points, c) => (part.includes(c) ? 0 : points))));
    }
    for (const [change, filled] of [["unmeasured at worst", "worst"], ["unmeasured at best", "best"]]) {
      if (gaps === "open" && declared(change)) found.push(first(weights, filled));
    }
    const { lost } = site.answers[state.use];
    if (lost && weights[lost.at] > 0 && declared("short and long units")) {
      for (const length of [0, 1]) found.push(leaders(totals(site, weights, field, gaps, length)));
    }
    return found;
  };
  /** Take a first place back where a scenario disagrees, as depending in evaluation/decide/standing.py. */
  const depending = (ranked, found) => {
    const [signed, ...rest] = found;
    const settled = ranked.group.some((i) => ["recommended", "tied"].includes(ranked.standings[i]));
    const within = (some, all) => some.every((i) => all.includes(i));
    if (!settled || rest.every((each) => within(each, signed) && within(signed, each))) return ranked;
    const ahead = rest.filter((each) => !within(signed, each)).flat();
    const group = ranked.order.filter((i) => ranked.group.includes(i) || ahead.includes(i));
    return { ...ranked, group, standings: ranked.standings.map((was, i) => (group.includes(i) ? "depends" : was)) };
  };

  // -- the state, which is the link too -----------------------------------------------------------------

  const signed = useCases.map(({ weights }) => weights.map((points) => points ?? 0));
  const state = { use: 0, gaps: "open", knockOuts: true, points: signed.map((each) => [...each]) };
  const changed = (use) => state.points[use].filter((points, c) => points !== signed[use][c]).length;
  const asSigned = () => !changed(state.use) && state.gaps === "open" && state.knockOuts;
  const tidy = (points) => Math.round(points * 100) / 100;
  const largest = Math.max(0, ...signed.flat());
  const MOST = Math.max(50, Math.ceil(largest / 10) * 20);

  const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
  /** As unfold in evaluation/decide/objectives.py: the smallest takes what rounding leaves over. */
  const shareOut = (points, shares) => {
    const parts = shares.map((share) => points * (share / sum(shares)));
    const least = parts.indexOf(Math.min(...parts.filter((_, i) => shares[i] > 0)));
    parts[least] = points - sum(parts.filter((_, i) => i !== least));
    return parts;
  };
  /** The one weight of a group that the use case weighs as such; null while its criteria have other proportions. */
  const together = (use, s) => {
    if (!useCases[use].together[s]) return null;
    const { members } = sections[s];
    const shares = useCases[use].shares[s];
    const own = members.map((c) => state.points[use][c]);
    const points = Number(sum(own).toPrecision(12));
    return shareOut(points, shares).every((part, i) => Math.abs(part - own[i]) <= 1e-9 * Math.max(1, points)) ? points : null;
  };
  const setTogether = (use, s, points) => {
    const { members } = sections[s];
    const shares = useCases[use].shares[s];
    const was = members.map((c) => signed[use][c]);
    const parts = Math.abs(sum(was) - points) < 1e-9 ? was : shareOut(points, shares);
    members.forEach((c, i) => { state.points[use][c] = parts[i]; });
  };

  const reset = () => {
    state.gaps = "open";
    state.knockOuts = true;
    state.points = signed.map((each) => [...each]);
  };

  const link = () => {
    const said = new URLSearchParams({ criteria: data.signed.slice(0, 12), use: useCases[state.use].id });
    if (state.gaps !== "open") said.set("gaps", state.gaps);
    if (!state.knockOuts) said.set("knock-outs", "off");
    useCases.forEach(({ id }, use) => {
      const whole = sections.flatMap((_, s) => (together(use, s) === null ? [] : [s]));
      const inside = whole.flatMap((s) => sections[s].members);
      const differs = (c) => state.points[use][c] !== signed[use][c];
      const moved = [
        ...whole.filter((s) => sections[s].members.some(differs)).map((s) => `${sections[s].id}:${together(use, s)}`),
        ...criteria.flatMap(({ id }, c) => (differs(c) && !inside.includes(c) ? [`${id}:${state.points[use][c]}`] : [])),
      ];
      if (moved.length) said.set(`points.${id}`, moved.join("~"));
    });
    return PREFIX + said;
  };

  /** Take the state from the link; what it does not know is left as signed. */
  const follow = () => {
    if (!location.hash.startsWith(PREFIX)) return false;
    const said = new URLSearchParams(location.hash.slice(PREFIX.length));
    reset();
    state.use = Math.max(0, useCases.findIndex(({ id }) => id === said.get("use")));
    if (data.gaps.includes(said.get("gaps"))) state.gaps = said.get("gaps");
    state.knockOuts = said.get("knock-outs") !== "off";
    useCases.forEach(({ id }, use) => {
      for (const pair of (said.get(`points.${id}`) ?? "").split("~")) {
        const [name, said] = pair.split(":");
        const points = Number.parseFloat(said);
        if (!(points >= 0 && points <= 1e6)) continue;
        const at = criteria.findIndex((each) => each.id === name);
        const group = sections.findIndex(({ id }, s) => id === name && useCases[use].together[s]);
        if (at >= 0) state.points[use][at] = tidy(points);
        else if (group >= 0) setTogether(use, group, points);
      }
    });
    state.foreign = (said.get("criteria") ?? "") !== data.signed.slice(0, 12);
    return true;
  };

  let writing = 0;
  const remember = () => {
    clearTimeout(writing); // browsers refuse many changes of the address within a second
    writing = setTimeout(() => {
      const plain = useCases.every((_, use) => !changed(use)) && state.gaps === "open" && state.knockOuts;
      if (!plain) history.replaceState(null, "", link());
      else if (location.hash.startsWith(PREFIX)) history.replaceState(null, "", location.href.split("#")[0]);
    }, 250);
  };

  // -- the file -----------------------------------------------------------------------------------------

  const file = async () => {
    const place = (name) => useCases.findIndex(({ id }) => id === name);
    return (await unpacked(data.file)).map((piece) => {
      if (typeof piece === "string") return piece;
      const use = place(piece[0]);
      if (piece.length === 3) {
        const at = criteria.findIndex(({ id }) => id === piece[1]);
        return at < 0 || state.points[use][at] === signed[use][at] ? piece[2] : String(state.points[use][at]);
      }
      if (piece.length === 5) {
        const [, group, number, key, between] = piece;
        const s = sections.findIndex(({ id }) => id === group);
        const members = s < 0 ? [] : sections[s].members;
        if (members.every((c) => state.points[use][c] === signed[use][c])) return key + number;
        const whole = together(use, s);
        if (whole !== null) return key + whole;
        const kept = members.filter((c) => useCases[use].weights[c] !== null || state.points[use][c] > 0);
        return kept.map((c) => `${criteria[c].id}: ${state.points[use][c]}`).join(between);
      }
      const block = /[\r\n]/.test(piece[1]);
      return criteria.map(({ id }, c) => {
        const inside = sections.some(({ members }, s) => useCases[use].together[s] && members.includes(c));
        const added = !inside && useCases[use].weights[c] === null && state.points[use][c] > 0;
        return added ? `${piece[1]}${id}: ${state.points[use][c]}${block ? ADDED : ""}` : "";
      }).join("");
    }).join("");
  };

  const download = async () => {
    const address = URL.createObjectURL(new Blob([await file()], { type: "application/yaml" }));
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
  const draw = (name, attributes = {}, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);
  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const listed = (names, word = "and") =>
    names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
  const percent = (share) =>
    share > 0 && share < 0.01 ? "< 1 %" : share > 0.99 && share < 1 ? "> 99 %" : `${Math.round(share * 100)} %`;
  /** What was not seen in so many draws is rare, not impossible. */
  const rare = (chance) => Math.min(Math.max(chance, 0.5 / method.draws), 1 - 0.5 / method.draws);
  const number = (points) => String(tidy(points));

  const choices = (legend, name, options, take) => {
    const inputs = options.map(([value]) => make("input", {
      type: "radio", name: `what-if-${name}`, value, on: { change: () => { take(value); schedule(); } },
    }));
    const labels = options.map(([, text], i) => make("label", {}, inputs[i], make("span", {}, text)));
    const set = make("fieldset", {}, make("legend", {}, legend), ...labels);
    return { set, show: (value) => inputs.forEach((each) => { each.checked = each.value === String(value); }) };
  };

  const useChoice = choices("Use case", "use", useCases.map(({ title }, i) => [i, title]), (value) => {
    state.use = Number(value);
  });
  const gapsChoice = choices("Missing evidence is", "gaps", data.gaps.map((gaps) => [gaps, GAPS[gaps]]),
    (value) => { state.gaps = value; });
  const knockOuts = make("input", {
    type: "checkbox", on: { change: () => { state.knockOuts = knockOuts.checked; schedule(); } },
  });
  const preset = (text, points) => make("button", {
    type: "button", on: { click: () => { state.points[state.use] = points(); schedule(); } },
  }, text);
  const alike = () => {
    const groups = [...new Set(criteria.map(({ group }) => group))];
    return criteria.map(({ group }) =>
      tidy(100 / groups.length / criteria.filter((each) => each.group === group).length));
  };
  const presets = make("fieldset", { class: "presets" }, make("legend", {}, "Weights of"),
    ...useCases.map(({ title }, use) => preset(title, () => [...signed[use]])),
    preset("all groups alike", alike));
  const resetButton = make("button", { type: "button", on: { click: () => { reset(); schedule(); } } }, "Reset");
  const downloadButton = make("button", { type: "button", class: "main", on: { click: download } },
    "Download criteria.yaml");

  const banner = make("p", { class: "banner", hidden: true });
  const verdict = make("div", { class: "verdict", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const panels = sites.map((site, s) => {
    const cells = site.runtimes.map((runtime) => ({
      row: make("tr"),
      state: make("span", { class: "state" }),
      why: make("small"),
      score: make("td", { class: "number" }),
      range: draw("line", { class: "range", y1: 6, y2: 6 }),
      mark: draw("circle", { cy: 6, r: 4 }),
      chance: make("td", { class: "number" }),
      name: make("th", { scope: "row" }, runtime),
    }));
    for (const { row, name, state: word, why, score, range, mark, chance } of cells) {
      const bar = draw("svg", { class: "bar", width: "100%", height: 12, "aria-hidden": "true" },
        draw("line", { class: "track", x1: "0", x2: "100%", y1: 6, y2: 6 }), range, mark);
      name.append(bar);
      row.append(name, make("td", {}, word, why), score, chance);
    }
    const title = `what-if-result-${s}`;
    const body = make("tbody");
    const head = make("tr", {}, ...["Runtime", "Standing"].map((text) => make("th", { scope: "col" }, text)),
      ...["Score", "First in"].map((text) => make("th", { scope: "col", class: "number" }, text)));
    const panel = make("div", { class: "scroll result", role: "region", tabindex: "0", "aria-labelledby": title },
      make("table", {}, make("caption", { id: title }), make("thead", {}, head), body));
    const sentence = make("p");
    verdict.append(sentence);
    return { panel, body, cells, sentence, caption: panel.querySelector("caption") };
  });

  // A slider in every row of the table, in a column of its own.
  const rows = new Map();
  const slider = (row, label, most, take) => {
    const input = make("input", {
      type: "range", min: 0, max: most, step: 1, "aria-label": `Points of ${label}`,
      on: { input: () => { take(Number(input.value)); schedule(); } },
    });
    const output = make("span", { class: "now" });
    const stands = make("small", { class: "stands" });
    const strips = draw("svg", { class: "stability", width: "100%", height: 4 * sites.length, "aria-hidden": "true" });
    row.querySelector("th").after(make("td", { class: "slide" }, input, strips, output, stands));
    return { input, output, stands, strips, most };
  };
  const groups = [...table.querySelectorAll("tbody[data-section]")].map((body) => {
    const place = Number(body.dataset.section);
    const { id, members } = sections[place];
    const whole = body.querySelector(".whole");
    const head = whole.querySelector("th > span");
    const opener = make("button", {
      type: "button", "aria-expanded": "false",
      on: { click: () => unfold(body, opener.getAttribute("aria-expanded") !== "true") },
    }, head.textContent);
    head.replaceChildren(opener);
    let ratio = null; // kept while the group stands at 0, where its criteria have no proportions
    const scale = (points) => {
      const own = state.points[state.use];
      if (together(state.use, place) !== null) return setTogether(state.use, place, points);
      const before = sum(members.map((c) => own[c]));
      if (before > 0) ratio = [state.use, members.map((c) => own[c] / before)];
      const parts = ratio?.[0] === state.use ? ratio[1] : members.map(() => 1 / members.length);
      members.forEach((c, i) => { own[c] = tidy(points * parts[i]); });
    };
    const parts = slider(whole, `the group ${id}`, 2 * MOST, scale);
    for (const row of body.querySelectorAll("tr[data-criterion]")) {
      const c = Number(row.dataset.criterion);
      rows.set(c, slider(row, criteria[c].id, MOST, (points) => { state.points[state.use][c] = points; }));
    }
    return { place, members, opener, body, ...parts };
  });
  const unfold = (body, open) => {
    body.classList.toggle("folded", !open);
    body.querySelector("button").setAttribute("aria-expanded", String(open));
  };
  table.querySelector("thead th").after(make("th", { scope: "col", class: "slide" }, "Points now"));

  // -- showing ------------------------------------------------------------------------------------------

  const decide = (site) => {
    const answer = site.answers[state.use];
    const weights = state.points[state.use].map((points, c) => (site.inapplicable.includes(c) ? 0 : points));
    const field = site.runtimes.map((_, i) => i).filter((i) => answer.order.includes(site.runtimes[i]) &&
      !(state.knockOuts && Object.hasOwn(answer.knockedOut, site.runtimes[i])));
    const result = { field, scores: totals(site, weights, field, state.gaps), answer };
    if (asSigned()) {
      const standings = field.map((i) => answer.standings[site.runtimes[i]]);
      const order = answer.order.map((name) => field.indexOf(site.runtimes.indexOf(name))).filter((i) => i >= 0);
      const ahead = order.filter((i) => standings[i] !== "behind");
      return { ...result, chance: field.map((i) => answer.chances[site.runtimes[i]]), standings, order, group: ahead };
    }
    const chance = chances(site, weights, field, state.gaps);
    const unresolved = field.map((i) => state.knockOuts && Object.hasOwn(answer.open, site.runtimes[i]));
    const ranked = rank(result.scores, chance, unresolved);
    return { ...result, chance, ...(field.length ? depending(ranked, scenarios(site, weights, field, state.gaps)) : ranked) };
  };

  const words = (site, { field, order, group, standings, answer }) => {
    const names = (places) => places.map((i) => site.runtimes[field[i]]);
    if (!order.length) return Object.keys(answer.knockedOut).length ? "no runtime is eligible" : "nothing was measured";
    const next = order.find((i) => !group.includes(i));
    switch (standings[order[0]]) {
      case "recommended": {
        const rival = next === undefined ? ", the only one eligible" : `, ahead of ${names([next])}`;
        return `${names(group)} is recommended${rival}`;
      }
      case "tied": return `${listed(names(group))} are tied`;
      case "depends": return `it depends: as signed or in a declared scenario ${listed(names(group), "or")} would be first`;
      case "too close to call": return `too close to call between ${listed(names(group))}`;
      default: {
        const vetoed = state.knockOuts ? names(group).filter((name) => Object.hasOwn(answer.open, name)) : [];
        const open = [...new Set(vetoed.flatMap((name) => answer.open[name]))];
        if (!vetoed.length) return `undecided: missing evidence could put ${listed(names(group), "or")} first`;
        return `undecided: not known whether ${listed(open)} would knock out ${listed(vetoed, "or")}`;
      }
    }
  };

  const showSite = (site, panel) => {
    const shown = decide(site);
    const title = useCases[state.use].title;
    say(panel.sentence, `${title}${sites.length > 1 ? `, ${site.title}` : ""}: ${words(site, shown)}.`);
    say(panel.caption, `${title}${sites.length > 1 ? `, ${site.title}` : ""}: ${asSigned() ? "as signed" : `with these settings, from ${method.draws.toLocaleString("en")} draws`}`);
    const out = site.runtimes.map((_, i) => i)
      .filter((i) => !shown.field.includes(i) && shown.answer.order.includes(site.runtimes[i]));
    const gap = shown.scores.some(({ value }) => value === null);
    const order = [...shown.order.map((i) => shown.field[i]), ...out];
    for (const runtime of order) {
      const cell = panel.cells[runtime];
      const at = shown.field.indexOf(runtime);
      const { word, tone } = data.words[at < 0 ? "knocked out" : shown.standings[at]];
      const score = at < 0 ? null : shown.scores[at];
      cell.row.dataset.runtime = site.runtimes[runtime];
      cell.row.className = tone;
      cell.state.className = `state ${tone}`;
      say(cell.state, word);
      say(cell.why, at < 0 ? shown.answer.knockedOut[site.runtimes[runtime]] : "");
      const text = ({ low, high, value }) => (value === null ? `${low.toFixed(2)}–${high.toFixed(2)}` : value.toFixed(2));
      say(cell.score, score ? text(score) : "–");
      say(cell.chance, at < 0 ? "–" : `${gap ? "≥ " : ""}${percent(shown.field.length > 1 ? rare(shown.chance[at]) : 1)}`);
      cell.row.dataset.low = score?.low ?? "";
      cell.row.dataset.high = score?.high ?? "";
      cell.row.dataset.chance = at < 0 ? "" : shown.chance[at];
      for (const [mark, name, place] of [[cell.range, "x1", score?.low], [cell.range, "x2", score?.high], [cell.mark, "cx", score?.value ?? undefined]]) {
        mark.setAttribute("visibility", place === undefined ? "hidden" : "visible");
        mark.setAttribute(name, `${2 + 96 * (place ?? 0)}%`);
      }
    }
    const bodies = order.map((runtime) => panel.cells[runtime].row);
    if (bodies.some((row, i) => panel.body.children[i] !== row)) panel.body.replaceChildren(...bodies);
  };

  const showSlider = ({ input, output }, points, share, was) => {
    if (Number(input.value) !== Math.min(points, Number(input.max))) input.value = points;
    say(output, `${number(points)} · ${percent(share)}`);
    input.setAttribute("aria-valuetext", `${number(points)} points, ${percent(share)} of the weight`);
    output.classList.toggle("moved", points !== was);
  };

  /** Where the leader is first with all others as signed: a line under the slider per site, and words. */
  const showRange = (parts, which, at) => {
    const ranges = sites.map((site) => site.answers[state.use][which][at]);
    const place = (points) => (100 * Math.min(points ?? Infinity, parts.most)) / parts.most;
    parts.strips.replaceChildren(...ranges.flatMap((ends, s) => (ends ? [draw("rect", {
      x: `${place(ends[0])}%`, y: 4 * s, height: 3, width: `${Math.max(0.5, place(ends[1]) - place(ends[0]))}%`,
    })] : [])));
    say(parts.stands, ranges.flatMap((ends, s) => (ends
      ? [`leader is first at ${ends[2] === "any" ? "any weight" : `${ends[2]} points`}${sites.length > 1 ? `, ${sites[s].title}` : ""}`] : [])).join("; "));
  };

  let shownUse = -1;
  const redraw = () => {
    const began = performance.now();
    const points = state.points[state.use];
    const total = points.reduce((sum, each) => sum + each, 0);
    const moved = useCases.flatMap(({ title }, use) => (changed(use) ? [`${title} (${changed(use)} of ${criteria.length})`] : []));
    banner.hidden = !moved.length && !state.foreign;
    say(banner, [
      moved.length ? `These weights are not the signed ones: ${listed(moved)}. The rest of this report keeps those of criteria.yaml${data.signed ? `, SHA-256 ${data.signed.slice(0, 12)}` : ""}` : "",
      state.foreign ? "The link was made with other criteria than this report; what it does not know is left as signed" : "",
    ].filter(Boolean).map((text) => `${text}.`).join(" "));
    for (const { place, members, ...parts } of groups) {
      const [now, before] = [points, signed[state.use]].map((all) => sum(members.map((c) => all[c])));
      if (shownUse !== state.use) showRange(parts, "sectionStability", place);
      showSlider(parts, tidy(now), total ? now / total : 0, tidy(before));
    }
    for (const [c, parts] of rows) {
      showSlider(parts, points[c], total ? points[c] / total : 0, signed[state.use][c]);
      if (shownUse !== state.use) showRange(parts, "stability", c);
    }
    useChoice.show(state.use);
    gapsChoice.show(state.gaps);
    knockOuts.checked = state.knockOuts;
    if (shownUse !== state.use) {
      for (const cell of table.querySelectorAll("[data-use-case]"))
        cell.classList.toggle("chosen", cell.dataset.useCase === useCases[state.use].id);
      shownUse = state.use;
    }
    sites.forEach((site, s) => {
      if (total > 0) showSite(site, panels[s]);
      else say(panels[s].sentence, "No criterion has any weight, so nothing can be said.");
    });
    const valid = state.points.every((each) => each.some((weight) => weight > 0));
    downloadButton.disabled = !data.file.length || !valid;
    chapter.classList.toggle("tried", moved.length > 0 || !asSigned());
    performance.measure("what-if redraw", { start: began, end: performance.now() });
  };

  let waiting = false;
  const schedule = () => {
    remember();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; redraw(); });
  };

  desk.append(
    make("h3", {}, "Try it"),
    make("div", { class: "controls" }, useChoice.set, gapsChoice.set,
      make("fieldset", {}, make("legend", {}, "Knock-outs"), make("label", {}, knockOuts, make("span", {}, "hold (as signed)"))), presets),
    banner,
    make("div", { class: "outcome" }, verdict, ...panels.map(({ panel }) => panel),
      make("p", { class: "actions" }, downloadButton, resetButton,
        make("small", {}, "The address of this page keeps the settings: copy it to share them. Nothing is sent."))),
  );
  chapter.classList.add("live");
  for (const { body } of groups) unfold(body, false);
  const arrived = follow();
  redraw();
  if (arrived) desk.scrollIntoView();
  // What the first change will need, made while nobody waits for it.
  const meanwhile = globalThis.requestIdleCallback ?? setTimeout;
  for (const site of sites) meanwhile(() => { site.spread ??= replicate(site); });
  addEventListener("hashchange", () => { if (follow()) redraw(); });
})();
