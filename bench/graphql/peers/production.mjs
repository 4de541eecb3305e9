// What a server in production has around its requests: an id, a line in the log, a figure for Prometheus.
import { randomUUID } from "node:crypto";
import { Histogram, register } from "prom-client";

const GIVEN = /^[A-Za-z0-9._-]{8,64}$/;
const seconds = new Histogram({
  name: "http_request_seconds",
  help: "Time to answer HTTP requests.",
  labelNames: ["route", "status"],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export const figures = () => register.metrics();

export function requestId(request) {
  const given = request.headers["x-request-id"];
  return given !== undefined && GIVEN.test(given) ? given : randomUUID();
}

export function observe(log, { id, method, route, status, ms }) {
  seconds.labels(route, String(status)).observe(ms / 1000);
  log.info({ request_id: id, method, route, status, ms }, "request");
}
