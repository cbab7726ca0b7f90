// The tree of devices, the search in it, and the bytes of what is chosen. What comes from the stream is
// text here: elements are made by name, and nothing of it is ever read as HTML.
"use strict";

(() => {
  const [STEP, TYPE, TEXT, AT, SIZE, BELOW] = [0, 1, 2, 3, 4, 5]; // of a node
  const MOST_HITS = 100;
  const LINES = 128; // of bytes that are shown at once
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  if (!data.devices.length) return;

  const tree = byId("tree");
  const narrow = matchMedia("(max-width: 40rem)");
  const items = new Map(); // of each node its element, once it is there
  const rows = []; // every node with its place in the tree
  const rowOf = new Map();
  let chosen = null;
  let first = 0; // line of bytes with which the view begins

  const make = (tag, name, text) => {
    const one = document.createElement(tag);
    if (name) one.className = name;
    if (text !== undefined) one.textContent = text;
    return one;
  };
  const hex = (number, width = 0) => number.toString(16).padStart(width, "0");

  // --- all nodes ---------------------------------------------------------------------------------

  const list = (node, device, above, level) => {
    const row = { node, device, above, level, path: (above ? above.path : "") + node[STEP] };
    rows.push(row);
    rowOf.set(node, row);
    for (const child of node[BELOW] || []) list(child, device, row, level + 1);
  };
  for (const device of data.devices) {
    list(device.node, device, null, 1);
    const raw = atob(device.data);
    device.bytes = Uint8Array.from(raw, (char) => char.charCodeAt(0));
  }

  // --- the tree ----------------------------------------------------------------------------------

  const element = (row) => {
    const { node } = row;
    const item = make("div");
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-level", row.level);
    item.setAttribute("aria-selected", "false");
    item.tabIndex = -1;
    const head = make("div", "row");
    head.append(make("span", "twist"), make("span", "name", node[STEP].replace(/^\//, "")));
    if (node[TEXT]) head.append(" ", make("span", "value", node[TEXT]));
    head.append(" ", make("span", "dim", node[TYPE]));
    item.append(head);
    item.setAttribute("aria-label", [node[STEP].replace(/^\//, ""), node[TEXT], node[TYPE]].filter(Boolean).join(", "));
    if (node[BELOW]) item.setAttribute("aria-expanded", "false");
    items.set(node, item);
    item.row = row;
    return item;
  };

  const isOpen = (row) => items.get(row.node).getAttribute("aria-expanded") === "true";

  const open = (row, wanted) => {
    const item = items.get(row.node);
    if (!row.node[BELOW] || isOpen(row) === wanted) return;
    item.setAttribute("aria-expanded", String(wanted));
    let group = item.querySelector(":scope > [role=group]");
    if (wanted && !group) {
      group = make("div");
      group.setAttribute("role", "group");
      group.append(...row.node[BELOW].map((node) => element(rowOf.get(node))));
      item.append(group);
    }
    if (group) group.hidden = !wanted;
  };

  const reveal = (row) => {
    if (row.above) {
      reveal(row.above);
      open(row.above, true);
    }
  };

  const choose = (row, { focus = true, address = true } = {}) => {
    reveal(row);
    const item = items.get(row.node);
    if (chosen) {
      const old = items.get(chosen.node);
      old.setAttribute("aria-selected", "false");
      old.tabIndex = -1;
    }
    chosen = row;
    item.setAttribute("aria-selected", "true");
    item.tabIndex = 0;
    if (focus) {
      item.focus({ preventScroll: true });
      const head = item.firstElementChild;
      const up = head.getBoundingClientRect().top - tree.getBoundingClientRect().top;
      if (up < 0 || up > tree.clientHeight - 30) tree.scrollTop += up - tree.clientHeight / 3;
    }
    if (address) history.replaceState(null, "", "#at=" + encodeURIComponent(row.path));
    const per = perLine();
    first = Math.max(0, Math.min(Math.floor(row.node[AT] / per) - 4, lineCount() - LINES));
    tell();
    draw();
  };

  const visible = () => [...tree.querySelectorAll("[role=treeitem]")].filter((item) => !item.closest("[hidden]"));

  const step = (by) => {
    const all = visible();
    const at = all.indexOf(items.get(chosen.node)) + by;
    if (all[at]) choose(all[at].row);
  };

  const KEYS = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowRight: () => {
      if (!chosen.node[BELOW]) return;
      if (isOpen(chosen)) choose(rowOf.get(chosen.node[BELOW][0]));
      else open(chosen, true);
    },
    ArrowLeft: () => {
      if (isOpen(chosen)) open(chosen, false);
      else if (chosen.above) choose(chosen.above);
    },
    Home: () => choose(visible()[0].row),
    End: () => choose(visible().at(-1).row),
    Enter: () => open(chosen, !isOpen(chosen)),
    " ": () => open(chosen, !isOpen(chosen)),
  };

  tree.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = KEYS[event.key];
    if (act) {
      event.preventDefault();
      act();
    } else if (event.key.length === 1 && event.key !== "/") {
      const all = visible();
      const at = all.indexOf(items.get(chosen.node));
      const turn = [...all.slice(at + 1), ...all.slice(0, at)];
      const hit = turn.find((item) => item.getAttribute("aria-label").toLowerCase().startsWith(event.key.toLowerCase()));
      if (hit) choose(hit.row);
    }
  });
  tree.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (item.row === chosen || event.target.className === "twist") open(item.row, !isOpen(item.row));
    choose(item.row);
  });

  // --- the bytes ---------------------------------------------------------------------------------

  const perLine = () => (narrow.matches ? 8 : 16);
  const lineCount = () => Math.ceil(chosen.device.bytes.length / perLine());

  const tell = () => {
    const { node, device, path } = chosen;
    const [start, stop] = [device.start + node[AT], device.start + node[AT] + node[SIZE]];
    const place = node[SIZE] ? `0x${hex(start)}–0x${hex(stop)}, ${node[SIZE]} byte${node[SIZE] === 1 ? "" : "s"}` : `0x${hex(start)}, no bytes`;
    const box = byId("chosen");
    box.replaceChildren(make("p", "path", path));
    if (node[TEXT]) box.append(make("p", "value", node[TEXT]));
    box.append(make("p", "dim", [node[TYPE], place].filter(Boolean).join(" · ")));
  };

  const draw = () => {
    const { node, device } = chosen;
    const { bytes, payload } = device;
    const per = perLine();
    const [low, high] = [node[AT], node[AT] + node[SIZE]];
    const last = Math.min(first + LINES, lineCount());
    const lines = [];
    for (let line = first; line < last; line += 1) {
      const one = make("div", "line");
      one.append(make("span", "dim", hex(device.start + line * per, 8) + "  "));
      const side = document.createDocumentFragment();
      for (let at = line * per; at < (line + 1) * per; at += 1) {
        const gap = at % 8 === 7 ? "  " : " ";
        if (at >= bytes.length) {
          one.append("  " + gap);
          continue;
        }
        const byte = bytes[at];
        const tag = at >= low && at < high ? "mark" : "span";
        const kind = at < payload[0] || at >= payload[1] ? "frame" : byte ? "" : "nil";
        const digits = make(tag, kind, hex(byte, 2));
        const char = make(tag, kind, byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".");
        digits.at = char.at = at;
        const joined = tag === "mark" && at + 1 < high && at + 1 < bytes.length && (at + 1) % per;
        one.append(digits, joined ? make("mark", "", gap) : gap);
        side.append(char);
      }
      one.append(" ", side);
      lines.push(one);
    }
    if (bytes.length < device.size && last === lineCount()) lines.push(make("div", "dim", "… the rest is not in this page"));
    byId("hex").replaceChildren(...lines);
    byId("hex").setAttribute("aria-label", `Bytes of ${device.path}`);
    byId("earlier").hidden = !first;
    byId("later").hidden = last >= lineCount();
    byId("earlier").parentElement.hidden = !first && last >= lineCount();
    const mark = byId("hex").querySelector("mark");
    const box = byId("hex");
    box.scrollTop = mark ? mark.offsetTop - box.offsetTop - box.clientHeight / 3 : 0;
  };

  const turn = (by) => {
    first = Math.max(0, Math.min(first + by, lineCount() - LINES));
    draw();
    byId("hex").scrollTop = 0;
  };
  byId("earlier").addEventListener("click", () => turn(-LINES));
  byId("later").addEventListener("click", () => turn(LINES));
  narrow.addEventListener("change", () => choose(chosen, { focus: false, address: false }));

  // the innermost value that has a byte; bytes between values belong to what is around them
  const owner = (node, at) => {
    const below = (node[BELOW] || []).find((one) => at >= one[AT] && at < one[AT] + one[SIZE]);
    return below ? owner(below, at) : node;
  };
  byId("hex").addEventListener("click", (event) => {
    if (event.target.at === undefined || !getSelection().isCollapsed) return;
    choose(rowOf.get(owner(chosen.device.node, event.target.at)));
  });

  // --- search ------------------------------------------------------------------------------------

  const query = byId("query");
  const search = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    let count = 0;
    if (words.length) {
      for (const row of rows) {
        const text = `${row.path} ${row.node[TYPE]} ${row.node[TEXT]}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
        count += 1;
        if (found.length < MOST_HITS) found.push(row);
      }
    }
    const said = count > MOST_HITS ? `${count} found, the first ${MOST_HITS} are listed` : `${count} found`;
    byId("count").textContent = words.length ? said : "";
    byId("hits").replaceChildren(
      ...found.map((row) => {
        const line = make("li");
        const button = make("button");
        button.type = "button";
        button.append(make("span", "name", row.path));
        if (row.node[TEXT]) button.append(" ", make("span", "value", row.node[TEXT]));
        button.append(" ", make("span", "dim", row.node[TYPE]));
        button.addEventListener("click", () => choose(row));
        line.append(button);
        return line;
      }),
    );
  };
  let waiting = 0;
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  query.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      search();
      const button = byId("hits").querySelector("button");
      if (button) button.click();
    } else if (event.key === "Escape") {
      query.value = "";
      search();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      query.focus();
    }
  });

  // --- addresses inside of the page: #at=PATH ------------------------------------------------------

  const rowAt = (offset) => {
    const device = data.devices.find((one) => offset >= one.start && offset <= one.start + one.size);
    return device && rowOf.get(owner(device.node, offset - device.start));
  };

  const go = () => {
    if (!location.hash.startsWith("#at=")) return;
    let path = "";
    try {
      path = decodeURIComponent(location.hash.slice(4));
    } catch {
      return;
    }
    const row = path.startsWith("@") ? rowAt(Number(path.slice(1))) : rows.find((one) => one.path === path);
    if (!row) return;
    byId("state").scrollIntoView();
    choose(row, { address: false });
  };
  addEventListener("hashchange", go);

  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });

  byId("explorer").hidden = false;
  tree.append(...data.devices.map((device) => element(rowOf.get(device.node))));
  choose(rows[0], { focus: false, address: false });
  go();
})();
