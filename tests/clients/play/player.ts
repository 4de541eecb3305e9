/** What each client is played with. */
import type { DocumentNode } from "graphql";
import type { RegisteredList } from "../documents.js";
import type { EditVideoMutation, VideoChangedSubscription, VideoQuery, ViewerQuery } from "../generated/operations.js";
import type { LiveClient } from "../live.js";
import type { Browser } from "./browser.js";

export interface Place {
  url: string;
  email: string;
  password: string;
  /** A colleague's video with its version, and another video. */
  video: string;
  version: string;
  other: string;
  /** The registered documents, and whether there are no others. */
  list: RegisteredList;
  only: boolean;
  browser: Browser;
  /** A new client of the socket's, which shows `token`, or else the browser's cookie. */
  live: (token?: string) => LiveClient;
}

export interface Player {
  /** Signs in; the name of who it is. */
  signIn(email: string, password: string): Promise<string | undefined>;
  /** The video as it is now, after `position` at least, and up to which event it is sure to be. */
  video(id: string, position?: number): Promise<{ video: VideoQuery["video"] | undefined; position: number | undefined }>;
  rename(id: string, title: string): Promise<EditVideoMutation["editVideo"] | undefined>;
  /** Comments once, however often it is asked to with the same `key`; the comment's id. */
  comment(versionId: string, body: string, key: string): Promise<string | undefined>;
  /** Tells of each change, and of the code with which it ends, if it ends with an error of the API's. */
  follow(id: string, after: number | undefined, heard: Heard, failed: (code: unknown) => void): void;
  /** The ways in which documents are sent or named, each with a client of its own, which asks who one is. */
  ways?: Record<string, (document: DocumentNode) => Promise<Pick<ViewerQuery, "viewer"> | undefined>>;
}

export type Heard = (change: VideoChangedSubscription["videoChanged"] | undefined, eventId: unknown) => void;
