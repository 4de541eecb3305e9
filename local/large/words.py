"""What the people of the large library write: titles, descriptions, tags and comments in several languages."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

SPACED = {
    "en": "the a and of with for new final rough cut scene edit intro outro music colour grade sound mix client review "
    "summer spring launch product story team office interview drone city river mountain trailer teaser behind scenes "
    "tutorial quick tips how to make better videos camera light lens audio voice over subtitle draft approved version "
    "brand campaign event conference keynote customer training safety onboarding recipe kitchen travel music festival",
    "de": "der die das und mit für neu Schnitt Szene Fassung Vorspann Abspann Musik Farbkorrektur Tonmischung Kunde "
    "Straße Größe Übung Fußball Sommer Frühling Herbst Winter Vorstellung Geschichte Mannschaft Büro Gespräch "
    "Stadtrundfahrt Fluss Gebirge Ankündigung Anleitung Küche Reise Messe Schulung Sicherheit Arbeitsschutz Untertitel "
    "Entwurf freigegeben Veröffentlichung Werbung Kampagne Veranstaltung Rückblick Jahresbericht Kundenstimmen",
    "es": "el la los y con para nuevo corte escena edición música color sonido mezcla cliente revisión verano "
    "primavera otoño lanzamiento producto historia equipo oficina entrevista ciudad río montaña avance detrás cámaras "
    "guía rápida consejos cocina viaje festival formación seguridad subtítulos borrador aprobado versión campaña niño",
    "fr": "le la les et avec pour nouveau montage scène musique couleur étalonnage son mixage client relecture été "
    "printemps automne lancement produit histoire équipe bureau entretien ville rivière montagne bande-annonce "
    "coulisses tutoriel conseils cuisine voyage fête formation sécurité sous-titres brouillon validé version campagne",
    "ru": "и с для новый монтаж сцена музыка цвет звук клиент правки лето весна осень запуск продукт история команда "
    "интервью город река гора трейлер съёмка урок советы кухня путешествие обучение безопасность субтитры черновик",
    "hi": "और के लिए नया संपादन दृश्य संगीत रंग ध्वनि ग्राहक समीक्षा गर्मी वसंत उत्पाद कहानी टीम साक्षात्कार शहर नदी पहाड़ यात्रा "
    "प्रशिक्षण सुरक्षा उपशीर्षक मसौदा स्वीकृत संस्करण अभियान",
}
UNSPACED = {
    "ja": "日本東京大阪京都春夏秋冬新商品紹介動画編集映像音楽撮影現場予告完成版確認修正字幕色調整効"
    "果会議社員研修安全教育料理旅行祭山川海空花火桜のをにはとでがもへやテレビカメラライトクリ"
    "ップシーンチームスタッフインタビューキャンペーンプロモーションひらがなすごいたのしい",
    "zh": "中国北京上海广州深圳春夏秋冬新产品介绍视频剪辑影像音乐拍摄现场预告完成版确认修改字幕调色"
    "效果会议员工培训安全教育美食旅行节日山河大海天空花园城市故事团队采访客户品牌活动发布教程"
    "快速技巧幕后花絮的了和在是我们你他这那有为",
    "ko": "한국서울부산봄여름가을겨울새제품소개영상편집음악촬영현장예고완성본확인수정자막색보정효과"
    "회의직원교육안전요리여행축제산강바다하늘꽃도시이야기팀인터뷰고객브랜드캠페인출시강좌비법"
    "의을를은는이가에서와과",
}
LANGUAGES = (*SPACED, *UNSPACED)
_SHARES = (0.34, 0.16, 0.08, 0.07, 0.06, 0.05, 0.1, 0.08, 0.06)
"""Of the languages, in their order."""
TAGS = (
    "product",
    "interview",
    "social",
    "draft",
    "b-roll",
    "教程",
    "商品",
    "행사",
    "straße",
    "podcast",
    *SPACED["es"].split(),
)
_SYLLABLES = ("ka", "ve", "lin", "mo", "ru", "tas", "zen", "dor", "pi", "shu", "bel", "nox", "fa", "gri", "um", "qua")
NAMES = tuple("".join(parts).title() for parts in itertools.product(_SYLLABLES, repeat=3))
"""Names of products, clients and places: the rare words, 4,096 of them."""


class Writer:
    """Writes texts of known lengths. It draws many numbers at once: a draw at a time would take minutes."""

    def __init__(self, random: Generator) -> None:
        self._random = random
        self._words = [_pieces(language) for language in LANGUAGES]

    def languages(self, count: int) -> list[int]:
        """A language for each of so many texts, as its place in `LANGUAGES`."""
        chosen: list[int] = self._random.choice(len(LANGUAGES), size=count, p=_SHARES).tolist()
        return chosen

    def texts(self, languages: Sequence[int], lengths: Sequence[int]) -> list[str]:
        """For each language a text of so many words (or characters, where words are not spaced), one a name."""
        total = int(sum(lengths))
        # Squared, so that few words are everywhere and many are seldom, as in any language.
        ranks = (self._random.random(total) ** 2).tolist()
        names = (self._random.random(len(lengths)) ** 2 * len(NAMES)).astype(int).tolist()
        draws = iter(ranks)
        return [
            self._text(self._words[language], LANGUAGES[language] in UNSPACED, itertools.islice(draws, length), name)
            for language, length, name in zip(languages, lengths, names, strict=True)
        ]

    def tags(self, count: int) -> list[list[str]]:
        """Up to four tags for each of so many videos."""
        numbers = self._random.integers(0, 5, size=count).tolist()
        chosen = (self._random.random((count, 4)) ** 2 * len(TAGS)).astype(int).tolist()
        return [
            list(dict.fromkeys(TAGS[tag] for tag in four[:number]))
            for number, four in zip(numbers, chosen, strict=True)
        ]

    @staticmethod
    def _text(words: Sequence[str], unspaced: bool, draws: "itertools.islice[float]", name: int) -> str:  # noqa: FBT001
        count = len(words)
        picked = [words[int(draw * count)] for draw in draws]
        return NAMES[name] + ("".join(picked) if unspaced else " " + " ".join(picked))


def lengths(random: Generator, count: int, *, median: float, most: int) -> list[int]:
    """So many lengths, log-normal about `median`, of 1 to `most`."""
    drawn = median * np.exp(random.normal(0, 0.8, size=count))
    found: list[int] = np.clip(drawn, 1, most).astype(int).tolist()
    return found


def _pieces(language: str) -> tuple[str, ...]:
    return tuple(SPACED[language].split()) if language in SPACED else tuple(UNSPACED[language])
