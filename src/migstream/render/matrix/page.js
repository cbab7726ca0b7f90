// Shows one pair of releases, and of it the rows that are asked for. Without this script every table is there.
"use strict";
(() => {
  const form = document.getElementById("choice");
  const pairs = [...document.querySelectorAll("section.pair")];
  const overviews = [...document.querySelectorAll("section.overview")];
  const field = name => document.getElementById(name);
  const chosen = { architecture: field("architecture"), from: field("from"), to: field("to") };
  const machine = field("machine"), device = field("device"), count = field("count");

  function fill(select, values, wanted) {
    select.replaceChildren(...values.map(value => new Option(value, value)));
    select.value = values.includes(wanted) ? wanted : values[0];
  }
  const distinct = (some, key) => [...new Set(some.map(one => one.dataset[key]))];
  const numbers = (a, b) => a.localeCompare(b, "en", { numeric: true });

  function offer() {
    const of = pairs.filter(one => one.dataset.architecture === chosen.architecture.value);
    fill(chosen.from, distinct(of, "from").sort(numbers), chosen.from.value);
    const from = of.filter(one => one.dataset.from === chosen.from.value);
    fill(chosen.to, distinct(from, "to").sort(numbers), chosen.to.value);
  }
  function covers(names, asked) {
    const words = asked.trim().toLowerCase();
    return !words || names.toLowerCase().includes(words);
  }
  function show() {
    let rows = 0;
    for (const one of overviews) one.hidden = one.dataset.architecture !== chosen.architecture.value;
    for (const pair of pairs) {
      pair.hidden = Object.keys(chosen).some(key => pair.dataset[key] !== chosen[key].value);
      for (const row of pair.querySelectorAll("tbody tr")) {
        row.hidden = !covers(row.dataset.devices, device.value) || !covers(row.dataset.machines, machine.value);
        rows += !pair.hidden && !row.hidden && !row.closest("details");
      }
    }
    count.textContent = rows === 1 ? "1 row" : `${rows} rows`;
  }
  function choose(pair) {
    chosen.architecture.value = pair.dataset.architecture;
    offer();
    chosen.from.value = pair.dataset.from;
    offer();
    chosen.to.value = pair.dataset.to;
    show();
  }
  function named() {
    const pair = pairs.find(one => `#${one.id}` === decodeURIComponent(location.hash));
    if (pair) {
      choose(pair);
      pair.scrollIntoView();
    }
    return pair;
  }

  fill(chosen.architecture, distinct(pairs, "architecture"), "x86_64");
  form.hidden = false;
  for (const select of Object.values(chosen)) {
    select.addEventListener("change", () => { offer(); show(); });
  }
  for (const input of [machine, device]) input.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  addEventListener("hashchange", named);
  offer();
  if (!named()) show();
})();
