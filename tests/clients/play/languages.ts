/** Says everything in every language: `node languages.js API`. What to say is read as JSON, what was said is told so. */
import { print } from "graphql";
import { text } from "node:stream/consumers";
import { LocalesDocument } from "../generated/operations.js";
import { load, pick, withFormatJs, withI18next, type Language } from "../languages.js";

interface Saying {
  key: string;
  values: Record<string, string>;
  /** The value that a plural counts, and how many there may be. */
  by?: string;
  counts: number[];
}

const [api = ""] = process.argv.slice(2);
const { sayings, wanted }: { sayings: Saying[]; wanted: string[][] } = JSON.parse(await text(process.stdin));

const answer = await fetch(`${api}/graphql?${new URLSearchParams({ query: print(LocalesDocument) })}`);
const known: Language[] = (await answer.json()).data.locales;
// Not among them, for developers: it is asked for by its name.
const pretended = { code: "en-XA", bundles: known[0]!.bundles.map((each) => ({ ...each, url: `/i18n/en-XA/${each.namespace}.json` })) };

const said = await Promise.all([...known, pretended].map(async (language) => {
  const words = await load(api, language);
  const [i18next, formatJs] = [withI18next(language.code, words), withFormatJs(language.code, words)];
  return [language.code, sayings.map(({ key, values, by, counts }) => ({
    i18next: by ? counts.map((count) => i18next(key, { ...values, count })) : [i18next(key, values)],
    formatJs: by ? counts.map((count) => formatJs(key, { ...values, [by]: count })) : [formatJs(key, values)],
  }))];
}));
console.log(JSON.stringify({ said: Object.fromEntries(said), picked: wanted.map((tags) => pick(tags, known)?.code) }));
