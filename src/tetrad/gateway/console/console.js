"use strict";
(() => {
  const EVERY_MS = 2000;
  const POINTS = 60; // of a sparkline
  const byId = (id) => document.getElementById(id);

  // -- building: texts are only ever text
  const el = (tag, options = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "class") node.className = value;
      else if (name === "flex") node.style.flex = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const cell = (content, kind = "") => el("td", { class: kind }, content ?? "–");

  // -- words
  const count = (value) => value.toLocaleString("en");
  const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");
  const money = (usd) => (usd ? `$${usd.toFixed(usd < 1 ? 4 : 2)}` : "–");
  const span = (seconds) => {
    if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} days`;
  };
  const ago = (written, now) => `${span((new Date(now) - new Date(written)) / 1000)} ago`;
  const when = (written) =>
    el("time", { datetime: written, title: new Date(written).toLocaleString() }, written.slice(0, 16).replace("T", " "));
  const commit = (written) => el("code", { title: written }, written.slice(0, 8));

  // -- traffic: requests a second, from one poll to the next
  const seen = new Map();
  const rate = (name, requests, now) => {
    const known = seen.get(name) ?? { at: null, requests: 0, rates: [] };
    const at = new Date(now) / 1000;
    if (known.at !== null && at > known.at) {
      known.rates.push(Math.max(0, requests - known.requests) / (at - known.at));
      known.rates.splice(0, known.rates.length - POINTS);
    }
    if (known.at === null || at > known.at) Object.assign(known, { at, requests });
    seen.set(name, known);
    return known.rates;
  };
  const sparkline = (rates) => {
    const NS = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("class", "spark");
    svg.setAttribute("viewBox", `0 0 ${POINTS - 1} 20`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const most = Math.max(0, ...rates);
    const line = rates.map((value, i) => `${POINTS - rates.length + i},${(19 - (18 * value) / most).toFixed(1)}`);
    const path = document.createElementNS(NS, "path");
    path.setAttribute("d", line.length > 1 && most > 0 ? `M${line.join("L")}` : "");
    svg.append(path);
    return svg;
  };

  // -- parts of the page
  const STATE = { live: "live", "rolling out": "rolling", warm: "warm", withdrawn: "withdrawn" };
  const identityRow = (stack, one, now) => {
    const figures = one.figures;
    const rates = rate(`${stack.stack} ${one.identity}`, figures.requests, now);
    const last = rates.length ? rates[rates.length - 1] : 0;
    const proof = one.evidence;
    const vouched = proof && [
      ["evaluated", proof.evaluated_by], ["approved", proof.approved_by], ["admitted", proof.admitted_by],
    ].filter(([, names]) => names.length).map(([word, names]) => `${word} by ${names.join(", ")}`);
    const evidence = vouched?.length ? vouched.map((text) => el("div", {}, text)) : ["–"];
    const cells = [
      ["Identity", "nowrap", el("code", { title: one.identity }, one.short),
        el("div", { class: "quiet" }, "commit ", commit(one.commit), el("span", { title: one.since }, `, ${ago(one.since, now)}`))],
      ["State", "", el("span", { class: `tag ${STATE[one.state]}` }, one.share ? `${one.state} ${+one.share.toFixed(2)} %` : one.state),
        one.reason ? el("div", { class: "quiet" }, one.reason) : null],
      ["Evidence", "", ...evidence],
      ["Traffic", "num traffic", `${last.toFixed(1)}/s`, sparkline(rates)],
      ["Requests", "num", count(figures.requests)],
      ["Errors", figures.errors > figures.requests / 100 ? "num over" : "num", share(figures.errors, figures.requests)],
      ["p50 / p95", "num", figures.p50_ms === null ? "–" : `${figures.p50_ms} / ${figures.p95_ms ?? "∞"} ms`],
      ["Contract broken", "num", share(figures.contract, figures.requests)],
      ["Guardrail hits", "num", share(figures.guarded, figures.requests)],
      ["Cost", "num", money(figures.usd)],
    ];
    return el(
      "tr",
      { "data-identity": one.identity },
      ...cells.map(([label, kind, ...content]) => el("td", { class: kind, "data-label": label }, ...content)),
    );
  };
  const HEADS = [
    ["Identity"], ["State"], ["Evidence"], ["Traffic", "num"], ["Requests", "num"], ["Errors", "num"],
    ["p50 / p95", "num"], ["Contract broken", "num wraps"], ["Guardrail hits", "num wraps"], ["Cost", "num"],
  ];
  const stackSection = (stack, state) => {
    const title = `stack-${stack.stack.replaceAll("/", "-")}`;
    const answering = stack.identities.filter((one) => one.share);
    const why = !state.can_roll_back
      ? "this environment names no deployer key"
      : stack.back_to === null
        ? "no earlier identity is warm"
        : "";
    const back = el(
      "button",
      { type: "button", class: "back", disabled: Boolean(why), title: why, onclick: () => ask(stack, state) },
      "Roll back…",
    );
    return el(
      "section",
      { class: "stack", "aria-labelledby": title, "data-stack": stack.stack },
      el(
        "div",
        { class: "stack-head" },
        el("h2", { id: title }, stack.name),
        el("span", { class: `tag ${stack.rolling_out ? "rolling" : "live"}` }, stack.rolling_out ? "rolling out" : "live"),
        el("span", { class: "right" }, back),
      ),
      el(
        "div",
        { class: "split", role: "img", "aria-label": answering.map((one) => `${one.short} ${one.share} %`).join(", ") },
        ...answering.map((one) => el("span", { class: one.state === "rolling out" ? "new" : "", flex: one.share })),
      ),
      el("p", { class: "steps" }, split(stack, answering)),
      el(
        "div",
        { class: "scroll" },
        el(
          "table",
          { class: "identities" },
          el("thead", {}, el("tr", {}, ...HEADS.map(([text, kind]) => el("th", { scope: "col", class: kind ?? "" }, text)))),
          el("tbody", {}, ...stack.identities.map((one) => identityRow(stack, one, state.now))),
        ),
      ),
    );
  };
  const split = (stack, answering) => {
    const shares = answering.map((one) => `${one.short} ${+one.share.toFixed(2)} %`).join(" · ");
    if (!stack.rolling_out) return shares;
    return `${shares} · step ${stack.step + 1} of ${stack.steps.length} (${stack.steps.join(", ")} %)`;
  };
  const budgetRow = (budget) => {
    const { usd, limit_usd: limit, warn_usd: warning } = budget;
    const over = (limit !== null && usd >= limit) || (warning !== null && usd >= warning);
    const of = (value) => (value === null ? "–" : `$${value.toFixed(2)}`);
    return el(
      "tr",
      {},
      el("td", {}, budget.account),
      el("td", { class: over ? "num over" : "num" }, of(usd)),
      cell(of(limit), "num"),
      cell(limit ? share(usd, limit) : "–", "num"),
      cell(of(warning), "num"),
    );
  };
  const gatewayRow = (gateway, now) =>
    el(
      "tr",
      {},
      el("td", {}, el("code", {}, gateway.address), el("div", { class: "quiet" }, gateway.gateway)),
      el(
        "td",
        {},
        el("span", { class: `tag ${gateway.ready ? "ready" : "unready"}` }, gateway.ready ? "ready" : "not ready"),
        gateway.problem ? el("div", { class: "quiet" }, gateway.problem) : null,
      ),
      el("td", {}, `${gateway.number} `, gateway.follows ? null : el("span", { class: "tag behind" }, "behind")),
      cell(gateway.release),
      cell(ago(gateway.started, now), "nowrap"),
      cell(ago(gateway.seen, now), "nowrap"),
    );
  const historyRow = (change) =>
    el(
      "tr",
      {},
      cell(String(change.number)),
      el("td", { class: "nowrap" }, when(change.at)),
      el(
        "td",
        {},
        `${change.kind} ${change.stacks.join(", ")}`,
        change.reason ? el("div", { class: "quiet" }, change.reason) : null,
      ),
      el("td", {}, ...Object.entries(change.now).map(([name, text]) => el("div", {}, `${name}: `, el("code", {}, text)))),
      cell(commit(change.commit)),
      cell(change.by || "–"),
    );
  const nothing = (columns, text) => el("tr", {}, el("td", { colspan: columns, class: "quiet" }, text));

  const fill = (id, rows, columns, text) =>
    byId(id).tBodies[0].replaceChildren(...(rows.length ? rows : [nothing(columns, text)]));

  let shown = null;
  const show = (state) => {
    shown = state;
    document.title = `${state.environment} · Tetrad`;
    byId("environment").textContent = state.environment;
    const ready = state.gateways.filter((gateway) => gateway.ready).length;
    const facts = state.number === null
      ? [["pointer", "none yet"]]
      : [["pointer", String(state.number)], ["commit", state.commit.slice(0, 8)], ["changed", ago(state.at, state.now)]];
    facts.push(["gateways ready", `${ready} of ${state.gateways.length}`]);
    byId("facts").replaceChildren(...facts.map(([name, text]) => el("span", {}, `${name} `, el("b", {}, text))));
    const focused = document.activeElement?.closest(".stack")?.dataset.stack;
    byId("stacks").replaceChildren(
      ...(state.stacks.length
        ? state.stacks.map((stack) => stackSection(stack, state))
        : [el("p", { class: "notice" }, "Nothing is deployed here yet: tetrad deploy ", state.environment)]),
    );
    if (focused) document.querySelector(`[data-stack="${CSS.escape(focused)}"] .back`)?.focus();
    byId("budgets").closest("section").hidden = !state.budgets.length;
    fill("budgets", state.budgets.map(budgetRow), 5, "");
    fill("gateways", state.gateways.map((one) => gatewayRow(one, state.now)), 6, "none was seen in the last seconds");
    fill("history", state.history.map(historyRow), 6, "no changes yet");
    watch(state);
  };
  const say = (text, kind = "") => {
    const notice = byId("notice");
    notice.textContent = text;
    notice.className = `notice ${kind}`;
    notice.hidden = !text;
  };

  // -- rolling back
  const dialog = byId("rollback");
  let asked = null;
  const ask = (stack, state) => {
    asked = stack;
    const leaves = stack.identities.find((one) => one.state === (stack.rolling_out ? "rolling out" : "live"));
    const to = stack.identities.find((one) => one.identity === stack.back_to);
    byId("rollback-title").textContent = `Roll back ${stack.name} in ${state.environment}`;
    byId("rollback-what").replaceChildren(
      "All traffic goes to ", el("code", {}, to.short), ". ", el("code", {}, leaves.short),
      " is withdrawn: no deploy brings it back until the merged state names another identity, or somebody runs ", el("code", {}, "tetrad release"), ".",
    );
    fail("");
    byId("rollback-reason").value = "";
    byId("rollback-key").value = "";
    dialog.showModal();
    byId("rollback-reason").focus();
  };
  const fail = (text) => {
    byId("rollback-error").textContent = text;
    byId("rollback-error").hidden = !text;
  };
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const base64Of = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

  // What DSSE signs: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
  const preAuthentication = (type, payload) => {
    const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${type} ${payload.length} `);
    const whole = new Uint8Array(head.length + payload.length);
    whole.set(head);
    whole.set(payload, head.length);
    return whole;
  };
  const readKey = async (pem) => {
    const body = /-----BEGIN PRIVATE KEY-----([\s\S]+?)-----END PRIVATE KEY-----/.exec(pem);
    if (!body) throw new Error("This file is not a private key in PEM.");
    if (!window.isSecureContext) throw new Error("Open this page over HTTPS or on this machine: a browser signs only there.");
    try {
      return await crypto.subtle.importKey("pkcs8", bytesOf(body[1].replace(/\s/g, "")), "Ed25519", true, ["sign"]);
    } catch {
      throw new Error("This browser cannot read the key: it takes Ed25519 keys as `tetrad keys new` writes them.");
    }
  };
  const publicHalf = async (key) => (await crypto.subtle.exportKey("jwk", key)).x; // base64url of 32 bytes
  const post = async (path, body) => {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error?.message ?? `The gateway answered ${response.status}.`);
    return answer;
  };
  const rollBack = async () => {
    const file = byId("rollback-key").files[0];
    const key = await readKey(await file.text());
    const proposal = await post("/ui/rollback/proposal", {
      stack: asked.stack,
      reason: byId("rollback-reason").value.trim(),
      key: await publicHalf(key),
    });
    const payload = bytesOf(proposal.payload);
    const signature = await crypto.subtle.sign("Ed25519", key, preAuthentication(proposal.payloadType, payload));
    return post("/ui/rollback", {
      envelope: {
        payload: proposal.payload,
        payloadType: proposal.payloadType,
        signatures: [{ keyid: "", sig: base64Of(signature) }],
      },
    });
  };
  let awaited = null;
  const watch = (state) => {
    if (awaited === null) return;
    const behind = state.gateways.filter((gateway) => gateway.number < awaited.number);
    if (state.gateways.length && !behind.length) {
      say(`${awaited.name} is rolled back: every gateway follows.`, "good");
      awaited = null;
    } else {
      say(`Rolling back ${awaited.name}: ${behind.length} of ${state.gateways.length} gateways do not follow yet.`);
    }
  };
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const confirm = byId("rollback-confirm");
    confirm.disabled = true;
    fail("");
    try {
      const done = await rollBack();
      awaited = { name: asked.name, number: done.number };
      dialog.close();
      await poll();
    } catch (error) {
      fail(error.message);
    } finally {
      confirm.disabled = false;
    }
  });
  byId("rollback-cancel").addEventListener("click", () => dialog.close());

  // -- following
  const poll = async () => {
    try {
      const response = await fetch("/ui/state", { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const lost = shown === null || byId("notice").dataset.lost;
      show(await response.json());
      if (lost && awaited === null) say("");
      delete byId("notice").dataset.lost;
    } catch {
      byId("notice").dataset.lost = "yes";
      say("The gateway does not answer; what is shown is what it said last.", "bad");
    }
  };
  const follow = async () => {
    await poll();
    setTimeout(follow, EVERY_MS);
  };
  follow();
})();
