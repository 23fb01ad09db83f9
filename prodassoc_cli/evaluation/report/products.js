// The door by products, and the filter of the rules: from the data of the page. Texts are only ever put in as texts.
const door = document.getElementById("door-data");
if (door !== null) {
  const { products, categories, models, relations, rules, related, texts, numbers } = JSON.parse(door.textContent);
  const [decimal, thousands, thousandsFrom, percentSign] = numbers;
  const LISTED = 20, ROWS = 100;

  const number = (value, decimals = 0) => {
    const [whole, rest] = value.toFixed(decimals).split(".");
    const grouped = Math.abs(value) >= thousandsFrom ? whole.replace(/\B(?=(\d{3})+$)/g, thousands) : whole;
    return rest === undefined ? grouped : grouped + decimal + rest;
  };
  const figure = (value) => {
    if (value === null) return "–";
    const size = Math.abs(value);
    if (size >= 1000 || (Number.isInteger(value) && size >= 1)) return number(value);
    return number(value, Math.max(0, 3 - (size >= 1 ? String(Math.trunc(size)).length : 0)));
  };
  const percent = (value) => value === null ? "–" : number(100 * value, Math.abs(value) < 0.1 ? 1 : 0) + percentSign;
  const say = (name, values = {}, count = values.count) => texts[name][count === 1 ? 0 : 1].replace(/\{(\w+)\}/g,
    (_, key) => typeof values[key] === "number" ? number(values[key]) : values[key]);

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const title = (product) => products[product][1] ?? products[product][0];
  const category = (product) => categories[products[product][2]] ?? "";
  const named = (product) => element("bdi", {}, title(product));
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const folded = products.map((_, product) => fold(`${title(product)} ${products[product][0]}`));
  const matching = (query) => {
    const parts = fold(query).split(/\s+/).filter(Boolean);
    return parts.length ? (product) => parts.every((part) => folded[product].includes(part)) : null;
  };

  // A table of rules; `side` makes the cell of one side.
  const row = (rule, side) => {
    const shown = [figure(rule[2]), percent(rule[3]), percent(rule[4]), figure(rule[5])];
    const cells = shown.map((text, place) => element("td", { class: "n", "data-v": rule[2 + place] ?? "" }, text));
    return element("tr", {}, element("td", {}, ...side(rule[0])), element("td", {}, ...side(rule[1])), ...cells);
  };
  const joined = (nodes) => nodes.flatMap((node, place) => place ? [" + ", node] : [node]);

  // One product.
  const article = document.getElementById("door-product");
  const choice = (product) => {
    const button = element("button", { type: "button", class: "choice" }, named(product));
    button.addEventListener("click", () => { show(product); article.querySelector("h3").focus(); });
    return button;
  };
  const ruleTable = (caption, found, own) => {
    const heads = [...document.querySelectorAll("#rules-table thead th")].map((head) =>
      element("th", { scope: "col", class: head.className, title: head.title }, head.textContent));
    const side = (ids) => joined(ids.map((id) => id === own ? element("b", {}, named(id)) : choice(id)));
    const note = found.length > ROWS ? [element("p", { class: "soft" }, say("rules_more", { shown: ROWS, count: found.length }))] : [];
    return [element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      element("table", { class: "wide" }, element("caption", {}, caption), element("thead", {}, element("tr", {}, ...heads)),
        element("tbody", {}, ...found.slice(0, ROWS).map((rule) => row(rule, side))))), ...note];
  };
  const reason = ([, , relation, similarity, count, lift, expected]) => say(`${relations[relation]}_reason`, {
    count: count ?? 0, lift: figure(lift ?? expected), similarity: similarity === null ? "–" : percent(similarity),
  });
  const show = (product) => {
    const [id, , , baskets, users, ...lists] = products[product];
    const cards = [[baskets, say("baskets")], [users, say("users")]].filter(([count]) => count !== null)
      .concat(lists.map((count, place) => [count, say("in_lists", { lists: models[place][1], model: models[place][0] })]))
      .map(([count, name]) => element("div", { class: "card" }, element("b", {}, number(count)), name));
    const about = [element("code", {}, id), ...(category(product) ? [" ", element("bdi", {}, category(product))] : [])];
    const parts = [["antecedent_rules", 0], ["consequent_rules", 1]].flatMap(([name, side]) => {
      const found = rules.filter((rule) => rule[side].includes(product));
      return found.length ? ruleTable(say(name), found, product) : [];
    });
    if (!parts.length && rules.length) parts.push(element("p", {}, say("no_rules")));
    relations.forEach((relation, place) => {
      const found = related.filter((pair) => pair[0] === product && pair[2] === place);
      if (found.length) {
        parts.push(element("h4", {}, say(relation)), element("ul", { class: "related" }, ...found.map((pair) =>
          element("li", {}, choice(pair[1]), " ", element("span", { class: "soft" }, reason(pair))))));
      }
    });
    article.replaceChildren(element("h3", { tabindex: "-1" }, named(product)), element("p", { class: "soft" }, ...about),
      element("div", { class: "cards" }, ...cards), ...parts);
    article.hidden = false;
  };

  // The search: a combobox; arrows choose a hit, Enter shows it, Escape closes the list.
  const search = document.getElementById("door-search");
  const list = document.getElementById("door-hits");
  const status = document.getElementById("door-status");
  let hits = [], active = -1;
  const choose = (place) => {
    active = place;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", at === active));
    if (active < 0) search.removeAttribute("aria-activedescendant");
    else {
      search.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  };
  const open = (found) => {
    hits = found.slice(0, LISTED);
    list.replaceChildren(...hits.map((product, place) => element("li", { role: "option", id: `door-hit-${place}`, "aria-selected": "false" },
      named(product), " ", element("code", {}, products[product][0]))));
    list.hidden = !hits.length;
    search.setAttribute("aria-expanded", String(hits.length > 0));
    choose(-1);
  };
  const pick = (place) => {
    const product = hits[place];
    if (product === undefined) return;
    show(product);
    search.value = title(product);
    open([]);
    status.textContent = say("shown", { title: title(product) });
  };
  search.addEventListener("input", () => {
    const matches = matching(search.value);
    const found = matches === null ? [] : products.map((_, product) => product).filter(matches);
    const first = fold(search.value.trim());
    open([...found.filter((product) => folded[product].startsWith(first)), ...found.filter((product) => !folded[product].startsWith(first))]);
    status.textContent = matches === null ? "" : !found.length ? say("found_none")
      : found.length > LISTED ? say("found_first", { count: found.length, shown: LISTED }) : say("found", { count: found.length });
  });
  search.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) choose((active + step + hits.length + (active < 0 && step < 0 ? 1 : 0)) % hits.length);
    else if (event.key === "Enter") pick(Math.max(active, 0));
    else if (event.key === "Escape" && hits.length) open([]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("li");
    if (option !== null) pick([...list.children].indexOf(option));
  });
  document.getElementById("door").hidden = false;

  // The filter of the rules: over all of them, sorted by the column that was clicked.
  const filter = document.getElementById("rules-filter");
  if (filter !== null && rules.length) {
    const table = document.getElementById("rules-table");
    const heads = [...table.tHead.rows[0].cells];
    const fields = Object.fromEntries([...filter.querySelectorAll("input, select")].map((field) => [field.name, field]));
    const paths = new Set(categories.flatMap((path) => path.split(" > ").map((_, level, parts) => parts.slice(0, level + 1).join(" > "))));
    fields.category.append(...[...paths].sort().map((path) => element("option", { value: path }, path)));
    fields.category.closest("label").hidden = !paths.size;
    const sides = (rule) => joined(rule.map(named));
    const text = (ids) => ids.map(title).join(" + ");
    const update = () => {
      const matches = matching(fields.product.value), path = fields.category.value;
      const measure = Number(fields.measure.value), least = fields.least.value === "" ? null : Number(fields.least.value) / ([3, 4].includes(measure) ? 100 : 1);
      const within = (product) => category(product) === path || category(product).startsWith(`${path} > `);
      const found = rules.filter((rule) => {
        const ids = [...rule[0], ...rule[1]];
        return (matches === null || ids.some(matches)) && (path === "" || ids.some(within))
          && (least === null || (rule[measure] !== null && rule[measure] >= least));
      });
      const column = heads.findIndex((head) => head.hasAttribute("aria-sort"));
      if (column >= 0) {
        const way = heads[column].getAttribute("aria-sort") === "ascending" ? 1 : -1;
        const compare = column < 2 ? (one, other) => text(one[column]).localeCompare(text(other[column]))
          : (one, other) => (one[column] ?? -Infinity) - (other[column] ?? -Infinity);
        found.sort((one, other) => way * compare(one, other));
      }
      table.tBodies[0].replaceChildren(...found.slice(0, ROWS).map((rule) => row(rule, sides)));
      document.getElementById("rules-status").textContent = found.length > ROWS
        ? say("rules_found_first", { count: found.length, shown: ROWS }) : say("rules_found", { count: found.length });
    };
    for (const field of Object.values(fields)) field.addEventListener("input", update);
    filter.querySelector("button").addEventListener("click", () => {
      for (const field of [fields.product, fields.category, fields.least]) field.value = "";
      update();
    });
    heads.forEach((head) => head.querySelector("button").addEventListener("click", update));
    filter.hidden = false;
  }
}
