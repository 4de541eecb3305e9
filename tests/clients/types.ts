/** What the compiler has to find right, and what wrong: where an error that is expected does not come, it says so. */
import type {
  AddCommentMutationVariables, AuditLogQuery, EditVideoMutation, ProblemCode, UploadQuery, VideoQuery, VideoStatus,
} from "./generated/operations.js";

type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends (<T>() => T extends Other ? 1 : 2) ? true : false;
type Video = NonNullable<VideoQuery["video"]>;
type Upload = NonNullable<UploadQuery["upload"]>;
type Entry = NonNullable<AuditLogQuery["team"]>["auditLog"]["nodes"][number];
type Edited = EditVideoMutation["editVideo"];

export const right: true[] = [
  true satisfies Same<Video["id"], string>,
  true satisfies Same<Video["createdAt"], string>,
  true satisfies Same<Video["deletedAt"], string | null>,
  true satisfies Same<Video["durationMs"], number | null>,
  true satisfies Same<Video["tags"], string[]>,
  true satisfies Same<Upload["size"], number>,
  true satisfies Same<Entry["details"], Record<string, unknown>>,
  true satisfies Same<VideoStatus, "DRAFT" | "READY">,
  true satisfies Same<Extract<Edited, { __typename: "Conflict" }>["code"], ProblemCode>,
  true satisfies Same<AddCommentMutationVariables["input"]["startMs"], number | null | undefined>,
  // @ts-expect-error
  true satisfies Same<Video["durationMs"], number>,
];

export function titleOf(edited: EditVideoMutation["editVideo"]): string {
  return edited.__typename === "Video" ? edited.title : edited.message;
}

// @ts-expect-error: it may be a problem
export const titleAnyhow = (edited: Edited): string => edited.title;

// @ts-expect-error
export const misspelled: VideoStatus = "READ";
