"""What a prompt asks for, as far as a painter without understanding can tell: a scene, a time of day, a colour.

Words are looked up in English and Chinese; whatever the words leave open is decided by the prompt's hash. The law of
this file: the same prompt always gives the same `Mood`.
"""

import hashlib
import re
from random import Random

import msgspec

from darkroom.sandbox.light import RGB, hexed, mix

SCENES: dict[str, str] = {
    "lighthouse": "lighthouse beacon 灯塔",
    "cat": "cat kitten kitty 猫 喵",
    "cup": "cup mug coffee tea teapot latte espresso cappuccino 杯 咖啡 茶",
    "product": "product speaker bottle perfume cosmetic cosmetics packaging phone headphones watch gadget device studio"
    " 产品 商品 电商 音箱 瓶 香水 手机 耳机 包装 棚拍 主图",
    "flower": "flower flowers rose tulip blossom bouquet petal lotus peony 花 玫瑰 荷 牡丹 郁金香",
    "space": "space planet galaxy astronaut rocket nebula cosmos saturn orbit 太空 宇宙 星球 行星 银河 星云 火箭",
    "portrait": "portrait person woman man girl boy face people model avatar character hero"
    " 人像 人物 肖像 女孩 男孩 女人 男人 少女 头像 脸",
    "city": "city skyline street building buildings skyscraper town urban neon downtown tokyo shanghai cyberpunk"
    " 城市 都市 街 楼 建筑 霓虹 上海 赛博",
    "forest": "forest wood woods tree trees jungle pine pines garden 森林 树 林 丛林 竹",
    "desert": "desert dune dunes sahara camel sand 沙漠 沙丘 骆驼 戈壁",
    "mountain": "mountain mountains alps peak peaks hill hills valley lake landscape himalaya 山 峰 谷 湖 风景",
    "sea": "sea ocean beach wave waves island boat ship sail sailing coast harbor harbour river otter whale"
    " 海 洋 沙滩 浪 岛 船 帆 河 江",
    "abstract": "abstract pattern texture wallpaper gradient logo icon art background fluid geometric"
    " 抽象 图案 纹理 壁纸 渐变 标志 图标",
}

HOURS: dict[str, str] = {
    "night": "night midnight moon moonlight stars starry dark 夜 月 星空 星星 黑暗",
    "sunset": "sunset dusk evening golden twilight 日落 夕阳 黄昏 晚霞 傍晚 余晖",
    "dawn": "dawn sunrise morning mist misty fog pastel 日出 清晨 早晨 晨 雾",
    "winter": "snow snowy winter ice icy frost frozen cold 雪 冬 冰 霜 寒",
    "autumn": "autumn fall orange maple harvest 秋 枫",
    "day": "day noon sunny summer spring bright clean studio 晴 夏 春 白天 阳光 明亮 棚拍",
}

TINTS: dict[str, tuple[str, str]] = {
    "red": ("red crimson scarlet 红", "d1383d"),
    "orange": ("orange 橙 橘", "ee8130"),
    "gold": ("gold golden yellow 金 黄", "e9b53f"),
    "green": ("green emerald jade 绿 翠", "3f9b62"),
    "teal": ("teal cyan turquoise 青", "2fa6a8"),
    "blue": ("blue azure navy 蓝", "2f6fd0"),
    "purple": ("purple violet lavender 紫", "8152c4"),
    "pink": ("pink rose-colored 粉", "e8739c"),
    "brown": ("brown wooden wood 棕 褐 木", "8d5c3a"),
    "black": ("black 黑", "24262c"),
    "white": ("white ceramic porcelain 白", "eff0ee"),
    "silver": ("silver grey gray metal metallic 银 灰 金属", "b9bec6"),
}


THINGS: dict[str, str] = {
    "speaker": "speaker headphones device gadget radio phone 音箱 耳机 设备 手机",
    "bottle": "bottle perfume cosmetic cosmetics lotion wine serum 瓶 香水 化妆品 酒 护肤",
    "stones": "stone stones sphere spheres ball balls jewel 石 球 珠宝",
}
"""What kind of product is meant."""

_PAPER = re.compile(
    r"(clean |pure |plain )?white (studio )?(background|backdrop)|(纯|干净的?)?白色?(的)?背景"
)
_NO_COLOUR = re.compile("白天|黑暗|黄昏")
"""Hours of the day that are written with the name of a colour."""


class Palette(msgspec.Struct, frozen=True):
    """The colours of one time of day: sky from zenith to horizon, ground from far to near, light, shade, accents."""

    name: str
    sky: tuple[RGB, ...]
    ground: tuple[RGB, ...]
    light: RGB
    shade: RGB
    accent: RGB
    second: RGB
    dark: bool = False


def _palette(name: str, sky: str, ground: str, rest: str, dark: bool = False) -> Palette:
    light, shade, accent, second = (hexed(text) for text in rest.split())
    return Palette(
        name,
        tuple(map(hexed, sky.split())),
        tuple(map(hexed, ground.split())),
        light,
        shade,
        accent,
        second,
        dark,
    )


PALETTES: dict[str, tuple[Palette, ...]] = {
    "sunset": (
        _palette(
            "sunset",
            "3b2a5c 8a3f72 e0695c f9a65a fddc9a",
            "b5607a 7c4670 4b2f58 241a3a",
            "fff0c8 1d1530 f2704d 5b4a9c",
        ),
        _palette(
            "sunset",
            "274060 5c6f92 d98b7c f7b879 fde6b4",
            "a8787c 6b5470 3d3a5a 1c2238",
            "fff3d6 151a2c e8805a 3f7f98",
        ),
        _palette(
            "sunset",
            "5a1f46 a8324f e8613f f9983f ffd27a",
            "b04a4e 7a2f4c 4a1f42 210f2b",
            "fff0bd 1c0c24 ff7a45 8a3f86",
        ),
    ),
    "dawn": (
        _palette(
            "dawn",
            "7fa3c7 a9c0d8 d9cfd9 f6d9cb fdeedd",
            "b9b7c9 8f9bb3 65799a 384f70",
            "fff7ea 2f4360 e99a86 7aa6a4",
        ),
        _palette(
            "dawn",
            "8a93c4 b7a9d2 e3bfd2 f8d3c6 fff0dc",
            "c0aac2 957fa6 685d8c 3b3c66",
            "fff8ea 312f56 e98aa0 6f93c9",
        ),
        _palette(
            "dawn",
            "6fb0b4 a3cdc4 d9e2cb f5e5c4 fdf3dd",
            "a9c2b5 7aa39c 4e7f80 285258",
            "fffbe8 1e4147 ec9f6a 4f96a0",
        ),
    ),
    "day": (
        _palette(
            "day",
            "2f78c4 5a9fda 8fc3ea c3e0f2 eaf4f6",
            "a6c7cf 6fa59a 4a8468 285a44",
            "fffdf2 1d4638 f2a33c 2f86b8",
        ),
        _palette(
            "day",
            "2591b8 5cb6cf 98d6dc cdeee6 f4fbee",
            "a9d0c4 74b09a 47876f 235a4d",
            "fffdf0 194640 ef6f53 2b7fa5",
        ),
        _palette(
            "day",
            "4a86d8 7fabe6 b3cff2 dde9f7 f7f7f2",
            "b9c8d8 8ba6b4 5d8484 36605a",
            "ffffff 274a4a f0b13e 4d6fc0",
        ),
    ),
    "night": (
        _palette(
            "night",
            "070b22 0f1a3f 1d2f63 34508a 5f7fb0",
            "3a5180 27396a 17244c 0a1028",
            "f6f1d8 05081a f7c55f 6f8fe0",
            True,
        ),
        _palette(
            "night",
            "0a0a24 1a1440 33246a 573a8c 8a5fa8",
            "4f3f80 35296a 20194a 0e0b26",
            "fdf0e0 080618 f58fb0 58c1d8",
            True,
        ),
        _palette(
            "night",
            "04141f 0a2b3a 134a58 257078 57a09a",
            "2f6470 1e4a58 123240 081a26",
            "f0fbe8 04101a f9d56e 49c6b0",
            True,
        ),
    ),
    "winter": (
        _palette(
            "winter",
            "7d9cc0 a3bdd6 c7d8e6 e3ebf0 f7f6f4",
            "cbd9e6 a5bdd2 7a98b6 486a8c",
            "ffffff 34536f e08a6a 6f93c4",
        ),
        _palette(
            "winter",
            "8a8fb8 b1b4d2 d2d2e4 ebe4ea fbf1ec",
            "d5d3e2 b0b2cd 8489b0 50588a",
            "ffffff 3b4270 e28fa0 7f8fd0",
        ),
    ),
    "autumn": (
        _palette(
            "autumn",
            "6b8fa8 a3b7b4 d8cfa8 f0cf8f fbe6bd",
            "c99c62 a8682f 7c4420 42230f",
            "fff4d8 331a0a dd6b20 7a8a3a",
        ),
        _palette(
            "autumn",
            "8c7f98 bba3a0 e2bd98 f3c987 fbe7bf",
            "cf8f58 b25a33 80372a 451a1c",
            "fff2d4 35110f e2552f c79a35",
        ),
    ),
}


class Mood(msgspec.Struct, frozen=True):
    """What to paint: a scene, the palette of its hour, and the tint and kind of thing that the prompt named, if any."""

    scene: str
    palette: Palette
    tint: RGB | None
    thing: str | None
    seed: int


def seed_of(*parts: object) -> int:
    """A 64-bit number from any values, the same in every process and on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )


def read_mood(prompt: str, seed: int) -> Mood:
    """The mood of a prompt; `seed` decides what its words leave open."""
    rng = Random(seed)
    # White paper behind the subject is daylight, and not the subject's colour.
    prompt, paper = _PAPER.subn(" ", prompt)
    scene = _first(prompt, SCENES) or rng.choice(list(SCENES))
    hour = _first(prompt, HOURS) or ("day" if paper else None) or rng.choice(list(PALETTES))
    palette = rng.choice(PALETTES[hour])
    name = _first(_NO_COLOUR.sub(" ", prompt), {tint: words for tint, (words, _) in TINTS.items()})
    tint = hexed(TINTS[name][1]) if name else None
    if tint:
        palette = msgspec.structs.replace(palette, accent=mix(palette.accent, tint, 0.8))
    return Mood(scene, palette, tint, _first(prompt, THINGS), seed)


def _first(prompt: str, table: dict[str, str]) -> str | None:
    """The entry whose word stands first in the prompt: what is named first is usually what the picture is of.

    Of words that begin at the same place the longest counts: 金属 is metal, not gold.
    """
    lowered = prompt.lower()
    best: tuple[int, int, str] | None = None
    for name, words in table.items():
        for word in words.split():
            if word.isascii():
                found = re.search(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])", lowered)
                at = found.start() if found else -1
            else:
                at = lowered.find(word)
            if at >= 0 and (best is None or (at, -len(word)) < best[:2]):
                best = (at, -len(word), name)
    return best[2] if best else None
