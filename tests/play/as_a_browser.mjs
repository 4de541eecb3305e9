// What a page has around it and Node has not: cookies that are kept and sent, over HTTP and with websockets, and an origin.
const kept = new Map();
const origin = process.env.ORIGIN;
const cookies = () => [...kept].map(([name, value]) => `${name}=${value}`).join("; ");
const { fetch: plain, WebSocket: Plain } = globalThis;

globalThis.fetch = async (address, options = {}) => {
  if (options.credentials !== "include") return plain(address, options);
  const headers = { ...options.headers, Origin: origin, Cookie: cookies() };
  const response = await plain(address, { ...options, headers });
  for (const cookie of response.headers.getSetCookie()) {
    if (!/; *HttpOnly/i.test(cookie)) throw new Error(`scripts can read ${cookie}`);
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    kept.set(name, value);
  }
  return response;
};

globalThis.WebSocket = class extends Plain {
  constructor(address, protocols) {
    super(address, { protocols, headers: { Origin: origin, Cookie: cookies() } });
  }
};
