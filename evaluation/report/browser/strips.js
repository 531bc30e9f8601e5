// Draws the samples of a cell that is opened: the runtime above, the bare host below, on one axis. The numbers
// stand in the text, and are all there is without a script.
"use strict";
document.addEventListener("toggle", ({ target }) => {
  if (!target.open || target.drawn || !target.matches(".drill details")) return;
  target.drawn = true;
  const SVG = "http://www.w3.org/2000/svg";
  const hosts = new Map();
  for (const text of target.querySelectorAll("pre.sent")) {
    const found = /^(\S+?)(?: at (.*?))?: .*?\u00a0samples?, one per block, in [^:\n]*: ([^\n]*)/s.exec(text.textContent);
    if (!found) continue;
    const [, runtime, site, listed] = found;
    const pairs = [...listed.matchAll(/([-+.\de]+)(?: \(([-+.\de]+)\))?/g)];
    const own = pairs.map(([, value]) => Number(value));
    if (runtime === "host") hosts.set(site, own);
    const host = pairs[0]?.[2] ? pairs.map(([, , value]) => Number(value)) : hosts.get(site) ?? [];
    const every = [...own, ...host].filter(Number.isFinite);
    const [low, high] = [Math.min(...every), Math.max(...every)];
    const strip = document.createElementNS(SVG, "svg");
    strip.setAttribute("class", "strip");
    strip.setAttribute("viewBox", "0 0 1000 34");
    strip.setAttribute("preserveAspectRatio", "none");
    strip.setAttribute("aria-hidden", "true");
    for (const [values, y] of [[own, 9], [host, 25]]) {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", values.map((value) => `M${Math.round(10 + 980 * (value - low) / (high - low || 1))} ${y}h0`).join(""));
      strip.append(path);
    }
    text.before(strip);
  }
}, true);
