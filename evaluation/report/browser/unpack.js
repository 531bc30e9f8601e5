// Puts back what a large report has packed (evaluation/report/packing.py). The text was checked as part of the
// page before it was packed; it is the only text that this page may turn into markup.
"use strict";
(async () => {
  const store = document.getElementById("packed");
  if (!store) return;
  const bytes = Uint8Array.from(atob(JSON.parse(store.textContent)), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bodies = JSON.parse(await new Response(plain).text());
  const rules = { createHTML: (text) => text };
  const policy = globalThis.trustedTypes?.createPolicy("packed", rules) ?? rules;
  for (const place of document.querySelectorAll("details[data-packed]")) {
    place.lastElementChild.remove();
    place.insertAdjacentHTML("beforeend", policy.createHTML(bodies[place.dataset.packed]));
    place.removeAttribute("data-packed");
  }
  store.remove();
  // A link into what was packed had no target until now.
  if (location.hash && document.getElementById(location.hash.slice(1))) location.replace(location.hash);
})();
