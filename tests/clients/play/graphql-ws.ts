import {
  AddCommentDocument, EditVideoDocument, SignInDocument, VideoChangedDocument, VideoDocument,
} from "../generated/operations.js";
import { ask, listen } from "../graphql-ws.js";
import type { Place, Player } from "./player.js";

export function graphqlWs({ live: made }: Place): Player {
  let live = made();
  return {
    async signIn(email, password) {
      const { data } = await ask(live, SignInDocument, { input: { email, password } });
      if (data?.signIn.__typename !== "SignedIn") return undefined;
      live.dispose();
      live = made(data.signIn.token);
      return data.signIn.user.name;
    },

    async video(id, position) {
      const { data, extensions } = await ask(live, VideoDocument, { id }, { position });
      return { video: data?.video, position: extensions?.position };
    },

    async rename(id, title) {
      const { data } = await ask(live, EditVideoDocument, { input: { id, title } });
      return data?.editVideo;
    },

    async comment(versionId, body, key) {
      const { data } = await ask(live, AddCommentDocument, { input: { versionId, body } }, { idempotencyKey: key });
      return data?.addComment.__typename === "Comment" ? data.addComment.id : undefined;
    },

    follow(id, after, heard, failed) {
      listen(live, VideoChangedDocument, { id }, { lastEventId: after }, {
        next: ({ data, extensions }) => heard(data?.videoChanged, extensions?.eventId),
        error: (why) => Array.isArray(why) && failed(why[0].extensions.code), // otherwise it is how the socket closed
        complete: () => undefined,
      });
    },
  };
}
