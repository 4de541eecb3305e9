/** The words of an interface, in the language of whoever looks at it. */
import { createInstance, type i18n } from "i18next";
import { IntlMessageFormat } from "intl-messageformat";
import type { LocalesQuery } from "./generated/operations.js";

export type Language = Pick<LocalesQuery["locales"][number], "code" | "bundles">;
/** By namespace and key. */
export type Words = Record<string, Record<string, string>>;

/** The first that somebody wants of the languages that there are: `[chosen]`, or else `navigator.languages`. */
export function pick(wanted: readonly string[], known: readonly Language[]): Language | undefined {
  const language = (tag: string) => new Intl.Locale(tag).language;
  const spoken = wanted.map((tag) => known.find(({ code }) => language(code) === language(tag)));
  return spoken.find(Boolean) ?? known[0]; // which is English
}

/** The addresses hold versions: what the browser has, it does not load again. */
export async function load(api: string, { bundles }: Language): Promise<Words> {
  const files = bundles.map(async ({ namespace, url }) => {
    const response = await fetch(new URL(url, api));
    if (!response.ok) throw new Error(`The words for ${namespace} do not come: ${response.status}`);
    return [namespace, await response.json()];
  });
  return Object.fromEntries(await Promise.all(files));
}

/** `t("review:version.count", { count: 3 })`. Whatever a plural counts is `count` here. */
export function withI18next(locale: string, words: Words): i18n["t"] {
  const made = createInstance({
    lng: locale,
    fallbackLng: false, // what is not translated yet is there in English
    resources: { [locale]: words },
    keySeparator: false, // keys are flat
    interpolation: { prefix: "{", suffix: "}", escapeValue: false }, // what shows a text escapes it, as React does
    initAsync: false, // it is all there already
  });
  void made.init();
  return made.t;
}

/** `t("review:version.count", { count: 3 })`, `t("billing:trial.left", { days: 3 })`. A text is parsed once. */
export function withFormatJs(locale: string, words: Words): (key: string, values?: Record<string, unknown>) => string {
  const parsed = new Map<string, IntlMessageFormat>();
  const parse = (key: string) => {
    const [namespace = "", name = ""] = key.split(":");
    const text = words[namespace]?.[name];
    if (text === undefined) throw new Error(`There are no words for ${key}.`);
    parsed.set(key, new IntlMessageFormat(text, locale));
    return parsed.get(key)!;
  };
  return (key, values) => String((parsed.get(key) ?? parse(key)).format(values as Record<string, string>));
}
