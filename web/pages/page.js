// The one small page until the dashboard is here: first owner, invitation, sign in; then nodes and workers, live.
"use strict";

const main = document.getElementById("main");
const credential = location.hash.slice(1);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

async function call(method, path, body) {
  const headers = { "X-Spunto-Csrf": "1" };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const value = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value.detail || answer.statusText), { status: answer.status });
  return value;
}

function form(title, fields, button, send) {
  const made = element("form");
  made.append(element("h2", title));
  for (const [name, label, type, complete] of fields) {
    const row = element("label", label);
    row.append(element("input", undefined, { name, type, required: "", autocomplete: complete }));
    made.append(row);
  }
  const error = element("p", "", { class: "error", role: "alert" });
  made.append(element("button", button), error);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    try {
      await send(Object.fromEntries(new FormData(made)));
    } catch (failure) {
      error.textContent = failure.message;
    }
  });
  main.replaceChildren(made);
  made.querySelector("input").focus();
}

function table(title, columns, rows, empty) {
  const made = element("section");
  made.append(element("h2", title));
  if (rows.length === 0) {
    made.append(element("p", empty));
    return made;
  }
  const grid = element("table");
  const head = element("tr");
  columns.forEach((column) => head.append(element("th", column, { scope: "col" })));
  grid.append(head);
  for (const row of rows) {
    const line = element("tr");
    row.forEach((cell) => line.append(element("td", String(cell ?? ""))));
    grid.append(line);
  }
  made.append(grid);
  return made;
}

async function show(org, made) {
  const nodes = (await call("GET", `/api/orgs/${org.id}/nodes?limit=1000`)).items;
  const workers = (await call("GET", `/api/orgs/${org.id}/workers?limit=1000`)).items;
  const names = Object.fromEntries(nodes.map((node) => [node.id, node.name]));
  const state = (node) => (node.live.suspect ? `${node.status.state}?` : node.status.state);
  made.replaceChildren(
    table("Nodes", ["name", "state", "units", "agent", "address"],
      nodes.map((node) => [node.name, state(node), node.load, node.agent?.version, node.agent?.address]),
      "No node yet: name one below, and run the command on a server with Docker."),
    table("Workers", ["name", "state", "node", "image"],
      workers.map((worker) => [worker.name, worker.status.state, names[worker.node], worker.image]),
      "No worker yet."),
  );
}

async function home(session) {
  const org = session.orgs[0];
  document.getElementById("who").textContent = `${session.user.email} · ${org ? org.name : "no organisation"}`;
  if (!org) return main.replaceChildren(element("p", "You belong to no organisation; ask for an invitation."));
  const live = element("div");
  const add = element("div");
  form("Add a node", [["name", "Name, like prod-eu-1", "text", "off"]], "Create node", async ({ name }) => {
    const reply = await call("POST", `/api/orgs/${org.id}/nodes`, { name });
    add.replaceChildren(element("p", "Run this on the server now; the token is not shown again:"), element("pre", reply.command));
  });
  main.prepend(live);
  main.append(add);
  await show(org, live);
  const events = new EventSource(`/api/orgs/${org.id}/events`);
  let due;
  const again = () => { clearTimeout(due); due = setTimeout(() => show(org, live).catch(() => location.reload()), 200); };
  for (const kind of ["node", "worker", "service", "deployment"]) {
    for (const what of ["created", "online", "offline", "draining", "undrained", "deleted", "started", "failed", "exited", "stopped", "renamed", "lost"]) {
      events.addEventListener(`${kind}.${what}`, again);
    }
  }
}

async function start() {
  const password = ["password", "Password, 10 characters or more", "password", "new-password"];
  const name = ["name", "Your name", "text", "name"];
  const email = ["email", "E-mail address", "email", "username"];
  if (location.pathname === "/setup" && (await call("GET", "/api/setup")).needed) {
    return form("The first owner", [email, name, password], "Set up", async (fields) => {
      await call("POST", "/api/setup", { ...fields, token: credential });
      location.assign("/");
    });
  }
  if (location.pathname === "/invitation") {
    return form("Join", [name, password], "Join", async (fields) => {
      await call("POST", "/api/invitations/accept", { ...fields, token: credential });
      location.assign("/");
    });
  }
  try {
    return await home(await call("GET", "/api/session"));
  } catch (failure) {
    if (failure.status !== 401) throw failure;
  }
  form("Sign in", [email, ["password", "Password", "password", "current-password"]], "Sign in", async (fields) => {
    await home(await call("POST", "/api/session", fields));
  });
}

start().catch((failure) => main.replaceChildren(element("p", failure.message, { class: "error" })));
