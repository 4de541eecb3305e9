/** What a browser does by itself, and Node does not: it keeps cookies, and sends them along. */
import { WebSocket } from "ws";

export interface Sent {
  method: string;
  /** Whether the document's text was sent. */
  text: boolean;
  hash?: string;
  /** How new the answer is to be. */
  position?: number;
}

export class Browser {
  /** What was asked over HTTP. */
  sent: Sent[] = [];
  /** Loses the answer to the next request, which has been heard all the same. */
  losesAnswer = false;
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(url: string) {
    this.#origin = new URL(url).origin;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const address = new URL(String(input));
    const parameters = init?.body ? JSON.parse(String(init.body)) : Object.fromEntries(address.searchParams);
    const extensions = typeof parameters.extensions === "string" ? JSON.parse(parameters.extensions) : parameters.extensions;
    const { position, persistedQuery } = extensions ?? {};
    const text = Boolean(parameters.query);
    this.sent.push({ method: init?.method ?? "GET", text, hash: persistedQuery?.sha256Hash, position });

    const headers = new Headers(init?.headers);
    if (init?.credentials === "include" && this.#cookies.size) headers.set("Cookie", this.#cookie());
    const response = await fetch(input, { ...init, headers });
    if (this.losesAnswer) {
      this.losesAnswer = false;
      throw new TypeError("The line broke.");
    }
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      this.#cookies.set(name!, value!);
    }
    return response;
  };

  /** To be given to graphql-ws as `webSocketImpl`. */
  get WebSocket() {
    const headers = () => ({ Cookie: this.#cookie(), Origin: this.#origin });
    return class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols, { headers: headers() });
      }
    };
  }

  #cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

// Node has it from version 22 on, and Apollo's link looks at it when a connection fails.
(globalThis as { WebSocket?: unknown }).WebSocket ??= WebSocket;
