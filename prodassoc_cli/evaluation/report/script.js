"use strict";
// Sortable tables: a click or Enter on a heading; numbers by data-v, texts by the reader's language.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "descending";
    const numeric = head.classList.contains("n");
    const way = numeric ? (down ? 1 : -1) : (head.getAttribute("aria-sort") === "ascending" ? -1 : 1);
    const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const empty = (value) => value === "";
    const rows = [...table.tBodies[0].rows].sort((one, other) => {
      const a = key(one), b = key(other);
      if (empty(a) || empty(b)) return empty(a) - empty(b);
      return way * (numeric ? Number(a) - Number(b) : a.localeCompare(b));
    });
    table.tBodies[0].append(...rows);
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
  }));
}
// The graph: pointing at a product or tabbing to it shows what it goes with.
for (const graph of document.querySelectorAll("svg.graph")) {
  const parts = [...graph.querySelectorAll(".node, .edge")];
  const pick = (node) => {
    const edges = [...graph.querySelectorAll(".edge")].filter((edge) => [edge.dataset.a, edge.dataset.b].includes(node.dataset.node));
    const near = new Set(edges.flatMap((edge) => [edge.dataset.a, edge.dataset.b]).concat(node.dataset.node));
    parts.forEach((part) => part.classList.toggle("near", edges.includes(part) || near.has(part.dataset.node)));
    graph.classList.add("picked");
  };
  for (const node of graph.querySelectorAll(".node")) {
    for (const event of ["mouseenter", "focus"]) node.addEventListener(event, () => pick(node));
    for (const event of ["mouseleave", "blur"]) node.addEventListener(event, () => graph.classList.remove("picked"));
  }
}
