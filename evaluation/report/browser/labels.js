// On a narrow screen a row of the attempts is a list, and each cell says which runtime it is of. Without a
// script the table stays a table (scripting: none), so these labels need not be in the page.
"use strict";
for (const table of document.querySelectorAll("table.attempts")) {
  const names = [...table.tHead.rows[0].cells].map((head) => head.firstChild.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr:not(.group)"))
    [...row.cells].forEach((cell, at) => { if (at) cell.dataset.of = names[at]; });
}
