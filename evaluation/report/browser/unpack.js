// Puts back what a large report has packed of its long texts (evaluation/report/packing.py): text, as text.
"use strict";
const unpacked = async (text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
};
(async () => {
  const store = document.getElementById("packed");
  if (!store) return;
  const rests = await unpacked(JSON.parse(store.textContent));
  document.querySelectorAll(".sent > u").forEach((cut, at) => cut.replaceWith(rests[at]));
  store.remove();
})();
