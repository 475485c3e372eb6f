"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const make = (name, properties = {}, children = []) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  all("[data-tools]").forEach((tools) => { tools.hidden = false; });

  // Theme: that of the system, or the one that the reader chose. A browser may refuse to store the choice for a file.
  const stored = {
    get: () => { try { return localStorage.getItem("shopzoo-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("shopzoo-theme", value); } catch { /* not stored */ } },
  };
  const themes = ["auto", "light", "dark"];
  const button = document.querySelector("[data-theme-button]");
  const useTheme = (theme) => {
    root.dataset.theme = theme;
    button.textContent = `Theme: ${theme === "auto" ? "system" : theme}`;
  };
  button.hidden = false;
  useTheme(themes.includes(stored.get()) ? stored.get() : "auto");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    useTheme(next);
    stored.set(next);
  });

  // Menus close with Escape, and when the reader goes elsewhere.
  all(".menu").forEach((menu) => {
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // Leaderboards: sort, filter, choose columns, show intervals.
  const setColumn = (table, at, shown) => { for (const row of table.rows) row.cells[at].hidden = !shown; };
  const sortRows = (table, at, descending) => {
    const body = table.tBodies[0];
    const value = (row) => row.cells[at].dataset.v;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = at === 0 ? x.localeCompare(y, "en", { numeric: true }) : Number(x) - Number(y);
      return descending ? -order : order;
    };
    body.append(...Array.from(body.rows).sort(compare));
  };
  all("table.board").forEach((table) => {
    all("[data-optional]", table.tHead).forEach((head) => setColumn(table, head.cellIndex, false));
    all("[data-sort]", table).forEach((control) => control.addEventListener("click", () => {
      const head = control.parentElement;
      const before = head.getAttribute("aria-sort");
      const opposite = { ascending: "descending", descending: "ascending" };
      const way = before ? opposite[before] : control.dataset.first;
      all("[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", way);
      sortRows(table, Number(control.dataset.sort), way === "descending");
    }));
  });
  all("[data-filter]").forEach((input) => {
    const table = document.getElementById(input.dataset.filter);
    const count = document.querySelector(`[data-count="${input.dataset.filter}"]`);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      const rows = Array.from(table.tBodies[0].rows);
      rows.forEach((row) => { row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted); });
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = wanted ? `${shown} of ${rows.length} models` : "";
    });
  });
  all("[data-column]").forEach((box) => box.addEventListener("change", () => {
    setColumn(document.getElementById(box.dataset.column), Number(box.value), box.checked);
  }));
  all("[data-intervals]").forEach((box) => box.addEventListener("change", () => {
    document.getElementById(box.dataset.intervals).classList.toggle("plain", !box.checked);
  }));

  // The metric of intervals, charts and slices is one choice for a benchmark.
  all("[data-metric]").forEach((select) => select.addEventListener("change", () => {
    const [id, number] = [select.dataset.metric, select.value];
    all(`[data-metric="${id}"]`).forEach((other) => { other.value = number; });
    all(`[data-view="${id}"]`).forEach((view) => { view.hidden = view.dataset.number !== number; });
  }));

  // Tooltips of charts; each value is also in a table of the page.
  const tip = document.querySelector(".tooltip");
  document.addEventListener("pointerover", (event) => {
    const text = event.target.dataset?.tip;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const at = event.target.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(at.left + 10, root.clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${at.top - tip.offsetHeight - 6 < 0 ? at.bottom + 6 : at.top - tip.offsetHeight - 6}px`;
  });

  // Lists of the sampled users.
  all("[data-users]").forEach((section) => {
    const data = JSON.parse(document.getElementById(section.dataset.users).textContent);
    const select = section.querySelector("[data-user]");
    const target = section.querySelector("[data-lists]");
    const price = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const entry = (number, notes, hit) => {
      const [id, title, cost, category] = data.items[number];
      const about = [title === null ? null : id, category, cost === null ? null : price.format(cost), ...notes];
      const meta = about.filter((part) => part !== null && part !== undefined && part !== "").join(" · ");
      return make("li", { className: hit ? "hit" : "" }, [
        title ?? id, ...(meta ? [make("span", { className: "meta", textContent: meta })] : []),
      ]);
    };
    const column = (title, kind, list) => make("section", { className: `card ${kind}` }, [make("h4", { textContent: title }), list]);
    const plain = (entries, label) => {
      const list = make("ul", {}, entries);
      list.setAttribute("aria-label", label);
      return list;
    };
    const show = () => {
      const at = Number(select.value);
      const user = data.users[at];
      const taken = new Set(user.targets);
      const seen = new Set(user.history.map(([item]) => item));
      const left = user.events - user.history.length;
      const whole = (time) => time?.replaceAll("-", "\u2011").replace(" ", "\u00a0");
      const past = user.history.map(([item, event, time]) => entry(item, [event, whole(time)], false));
      if (!past.length) past.push(make("li", { textContent: "no event before the query" }));
      if (left > 0) past.push(make("li", { className: "meta", textContent: `and ${left} earlier events` }));
      const then = user.targets.map((item) => entry(item, [], true));
      const chosen = all("[data-model]", section).filter((box) => box.checked).map((box) => Number(box.value));
      const lists = chosen.map((model) => {
        const list = data.lists[model][at];
        const hits = list.filter((item) => taken.has(item)).length;
        const entries = list.map((item) => entry(
          item, [taken.has(item) ? "✓\u00a0taken" : null, seen.has(item) ? "in\u00a0the\u00a0history" : null], taken.has(item),
        ));
        const { label, reference } = data.models[model];
        return column(`${label}${reference ? " (reference)" : ""}: ${hits} of ${taken.size} taken`, "", make("ol", {}, entries));
      });
      const when = user.now ? ` before ${user.now} UTC` : "";
      target.replaceChildren(
        make("div", { className: "lists before" }, [
          column(`History${when}, latest first`, "past", plain(past, "History")),
          column("What they then took", "taken", plain(then, "What they then took")),
        ]),
        make("div", { className: "lists" }, lists),
      );
    };
    select.addEventListener("change", show);
    all("[data-model]", section).forEach((box) => box.addEventListener("change", show));
    all("[data-step]", section).forEach((control) => control.addEventListener("click", () => {
      const n = data.users.length;
      select.value = String((Number(select.value) + Number(control.dataset.step) + n) % n);
      show();
    }));
    show();
  });
})();
