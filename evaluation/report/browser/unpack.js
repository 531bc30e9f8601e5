// Puts back what a large report has packed of what lies behind its triangles (evaluation/report/packing.py): element
// by element, and text as text.
"use strict";
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%'()*+-;.=/?@^_]{|}~"; // of base 85
const unpacked = async (text) => {
  const bytes = new Uint8Array(Math.floor(text.length * 0.8));
  for (let from = 0, to = 0; from < text.length; from += 5, to += 4) {
    let word = 0;
    for (let i = 0; i < 5; i++) word = word * 85 + (from + i < text.length ? DIGITS.indexOf(text[from + i]) : 84);
    for (let i = 0; i < 4 && to + i < bytes.length; i++) bytes[to + i] = word / 256 ** (3 - i);
  }
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
};
(async () => {
  const store = document.getElementById("packed");
  if (!store) return;
  const made = (node, space) => {
    if (!Array.isArray(node)) return node;
    const [name, attributes, ...inside] = node;
    const own = name === "svg" ? "http://www.w3.org/2000/svg" : space;
    const element = document.createElementNS(own, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...inside.map((each) => made(each, own)));
    return element;
  };
  const HTML = "http://www.w3.org/1999/xhtml";
  const [cells, tones, links, ...taken] = await unpacked(JSON.parse(store.textContent));
  document.querySelectorAll("a:not([href])").forEach((link, at) => link.setAttribute("href", `#${links[at]}`));
  document.querySelectorAll("td").forEach((cell, at) => {
    if (!cells[at]) return;
    const word = cell.firstChild;
    if (word.nodeType === Node.TEXT_NODE) word.replaceWith(made(["i", { class: tones[word.data] }, word.data], HTML));
    cell.append(made(["a", { href: `#${cells[at]}` }, ...cell.childNodes], HTML));
  });
  document.querySelectorAll("details > u").forEach((cut, at) => cut.replaceWith(...taken[at].map((each) => made(each, HTML))));
  store.remove();
  if (location.hash) location.replace(location.href); // what it names may have been packed until now
})();
