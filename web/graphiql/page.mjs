// The page: GraphiQL against the address that it is shown at, subscriptions over a websocket at the same one.
// Who signs in by a mutation is signed in by the cookie; a header `Authorization` of the headers' tab is sent over both.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const WORKERS = { graphql: "graphql.worker.js", json: "json.worker.js" };
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? "editor.worker.js", import.meta.url)),
};

const url = location.origin + location.pathname;
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: url.replace(/^http/, "ws"),
  enableIncrementalDelivery: false,
});
const asked = new URLSearchParams(location.search);
createRoot(document.getElementById("page")).render(
  createElement(GraphiQL, {
    fetcher,
    initialQuery: asked.get("query") ?? undefined,
    initialVariables: asked.get("variables") ?? undefined,
    shouldPersistHeaders: false,
  }),
);
