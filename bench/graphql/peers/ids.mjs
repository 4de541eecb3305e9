// Global ids as the product makes them: base64url of the type's name, a colon and the UUID's 16 bytes.

export function encodeId(type, uuid) {
  return Buffer.concat([Buffer.from(`${type}:`), Buffer.from(uuid.replaceAll("-", ""), "hex")]).toString("base64url");
}

// The type's name and the UUID; null for what is no id.
export function decodeId(id) {
  const raw = Buffer.from(id, "base64url");
  if (raw.length < 18 || raw.at(-17) !== 0x3a) return null;
  const hex = raw.subarray(-16).toString("hex");
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  return [raw.subarray(0, -17).toString(), uuid];
}
