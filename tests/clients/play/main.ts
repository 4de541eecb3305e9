/** Plays one client against the running product: `node main.js NAME`. The place comes in as JSON, and each line told is. */
import { text } from "node:stream/consumers";
import { parse } from "graphql";
import { registered } from "../documents.js";
import { ViewerDocument } from "../generated/operations.js";
import { liveClient } from "../live.js";
import { apollo } from "./apollo.js";
import { Browser } from "./browser.js";
import { graphqlWs } from "./graphql-ws.js";
import type { Heard, Place, Player } from "./player.js";
import { urql } from "./urql.js";

const PLAYERS: Record<string, (place: Place) => Player> = { apollo, urql, "graphql-ws": graphqlWs };
const [name = ""] = process.argv.slice(2);
const { socket, ...place } = JSON.parse(await text(process.stdin));
const tell = (what: Record<string, unknown>) => console.log(JSON.stringify(what));

const browser = new Browser(place.url);
const live = (token?: string) =>
  liveClient({
    url: socket,
    webSocketImpl: browser.WebSocket,
    ...(token && { connectionParams: { authorization: `Bearer ${token}` } }),
    ...(place.only && { hashOf: registered(place.list) }),
    pause: 50,
    patience: 500,
    resync: async (position) => {
      const { video } = await player.video(place.video, position);
      tell({ resync: position, title: video?.title, asked: browser.sent.at(-1)?.position });
    },
    signedOut: () => {
      tell({ signedOut: true });
      setImmediate(process.exit, 0);
    },
  });
const player = PLAYERS[name]!({ ...place, browser, live });

tell({ signedIn: await player.signIn(place.email, place.password) });
const { video, position } = await player.video(place.video);
tell({ title: video?.title, position });
tell({ renamed: await player.rename(place.video, "Renamed") });
tell({ refused: await player.rename(place.video, "") });
const key = crypto.randomUUID();
browser.losesAnswer = true;
const unknown = await player.comment(place.version, "Nice", key).catch(() => undefined);
tell({ commented: await player.comment(place.version, "Nice", key), unknown });
browser.losesAnswer = false;
for (const [way, ask] of Object.entries((!place.only && player.ways) || {})) {
  const nobodyHasSent = parse(`query A${crypto.randomUUID().replaceAll("-", "")} { viewer { name } }`);
  const document = way === "registered" ? ViewerDocument : nobodyHasSent;
  browser.sent = [];
  const names = [(await ask(document))?.viewer?.name, (await ask(document))?.viewer?.name];
  tell({ way, names, sent: browser.sent });
}
const heard: Heard = (change, eventId) => tell({ heard: eventId, title: change?.video?.title });
player.follow(place.video, position, heard, (code) => {
  tell({ failed: code });
  player.follow(place.other, undefined, heard, () => undefined);
});
