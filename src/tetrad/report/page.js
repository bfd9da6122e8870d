"use strict";
(() => {
  const form = document.querySelector(".filters");
  if (!form) return;
  const cases = [...document.querySelectorAll(".case")];
  const told = form.querySelector("output");
  const nothing = document.querySelector(".nothing");
  const texts = new Map();

  // What a case is searched by: its line, its question and both answers, read once when first needed.
  const textOf = (item) => {
    if (!texts.has(item)) {
      const parts = item.querySelectorAll("summary:first-child > .name, .vars, .answer, .flip");
      texts.set(item, [...parts].map((part) => part.textContent).join("\n").toLowerCase());
    }
    return texts.get(item);
  };
  const valueOf = (name) => (form.elements[name] ? form.elements[name].value : "");

  const show = () => {
    const kinds = new Set([...form.querySelectorAll("[name=kind]:checked")].map((box) => box.value));
    const words = valueOf("search").toLowerCase().split(/\s+/).filter(Boolean);
    const suite = valueOf("suite");
    const tag = valueOf("tag");
    let count = 0;
    for (const item of cases) {
      const { kind, suite: of, tags } = item.dataset;
      const fits =
        (words.length > 0 || kinds.has(kind)) &&
        (!suite || of === suite) &&
        (!tag || tags.split("\n").includes(tag)) &&
        words.every((word) => textOf(item).includes(word));
      item.hidden = !fits;
      count += fits;
    }
    told.textContent = `${count.toLocaleString("en")} of ${cases.length.toLocaleString("en")}`;
    nothing.hidden = count > 0;
  };

  let waiting = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(show);
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  const unfold = form.elements.unfold;
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "Fold all" : "Unfold all";
    for (const item of cases) if (!item.hidden) item.open = open;
  });

  const reveal = () => {
    const item = location.hash && document.getElementById(location.hash.slice(1));
    if (item && item.classList.contains("case")) {
      item.hidden = false;
      item.open = true;
      item.scrollIntoView();
    }
  };
  const step = (by) => {
    const shown = cases.filter((item) => !item.hidden);
    const at = shown.indexOf(document.activeElement.closest(".case"));
    const next = shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), shown.length - 1)];
    if (next) next.querySelector("summary").focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === form.elements.search) {
      if (event.key === "Enter") step(1); // from the words to the first case that has them
      return;
    }
    if (event.target.matches("select")) return; // whose own letters choose
    if (event.key === "/") {
      event.preventDefault();
      form.elements.search.focus();
    } else if (event.key === "j" || event.key === "k") {
      step(event.key === "j" ? 1 : -1);
    }
  });
  // The messages that many requests begin with stand once, below; here they unfold in their place.
  for (const link of document.querySelectorAll("a.opening")) link.setAttribute("aria-expanded", "false");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.opening");
    if (!link) return;
    event.preventDefault();
    const open = link.getAttribute("aria-expanded") !== "true";
    link.setAttribute("aria-expanded", String(open));
    if (!open) return link.nextElementSibling.remove();
    const copy = document.querySelector(`${link.hash} .messages`).cloneNode(true);
    copy.classList.add("unfolded");
    link.after(copy);
  });
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => {
    for (const item of cases) if (!item.hidden && !["none", "passing"].includes(item.dataset.kind)) item.open = true;
  });

  form.hidden = false;
  document.querySelector(".keys").hidden = false;
  show();
  reveal();
})();
