"""The mood of a prompt: what its words name in two languages, what its hash decides, and that both never change."""

import pytest

from darkroom.sandbox.palette import HOURS, PALETTES, SCENES, THINGS, TINTS, hexed, read_mood, seed_of


def scene(prompt):
    return read_mood(prompt, 1).scene


@pytest.mark.parametrize("name, words", SCENES.items())
def test_every_word_of_a_scene_names_it(name, words):
    assert {scene(word) for word in words.split()} == {name}


@pytest.mark.parametrize("name, words", HOURS.items())
def test_every_word_of_an_hour_names_it(name, words):
    for word in words.split():
        found = read_mood(f"x {word}", 5).palette.sky
        assert found in [palette.sky for palette in PALETTES[name]], word


def test_every_tint_is_named_and_colours_the_accent():
    for words, digits in TINTS.values():
        for word in words.split():
            mood = read_mood(f"a cup at noon, {word}", 1)
            assert mood.tint == hexed(digits), word
            assert mood.palette.accent != read_mood("a cup at noon", 1).palette.accent


def test_things_are_named():
    assert {read_mood(f"product: {words.split()[-1]}", 1).thing for words in THINGS.values()} == set(THINGS)
    assert read_mood("a product", 1).thing is None


@pytest.mark.parametrize(
    "prompt, expected",
    [
        ("a cat before a mountain", "cat"),
        ("a mountain with a cat", "mountain"),
        ("Two CATS", "cat"),
        ("一只白色陶瓷杯放在木桌上", "cup"),
        ("雪山下的城市", "mountain"),
        ("请生成一张简洁高级的科技产品宣传图,白色背景,主体是一台银色智能音箱", "product"),
    ],
)
def test_what_is_named_first_is_what_the_picture_is_of(prompt, expected):
    assert scene(prompt) == expected


def test_words_inside_other_words_name_nothing():
    for seed in range(40):
        assert read_mood("categorical scattering", seed) == read_mood("xyz", seed)


@pytest.mark.parametrize(
    "prompt", ["speaker, white background", "speaker, clean white studio backdrop", "音箱,纯白色的背景"]
)
def test_white_paper_is_daylight_and_not_the_colour_of_the_subject(prompt):
    mood = read_mood(prompt, 9)
    assert mood.tint is None
    assert mood.palette in PALETTES["day"]


def test_silver_speaker_of_the_contract_is_silver():
    mood = read_mood("白色背景,主体是一台银色智能音箱,柔和棚拍光线", 1)
    assert (mood.tint, mood.thing) == (hexed(TINTS["silver"][1]), "speaker")


@pytest.mark.parametrize("prompt", ["白天的灯塔", "黄昏的灯塔", "黑暗中的灯塔"])
def test_hours_written_with_a_colour_name_no_colour(prompt):
    assert read_mood(prompt, 1).tint is None


def test_what_words_leave_open_is_decided_by_the_seed():
    moods = [read_mood("hello", seed) for seed in range(60)]
    assert len({mood.scene for mood in moods}) > 8
    assert len({mood.palette.name for mood in moods}) == len(PALETTES)
    assert moods == [read_mood("hello", seed) for seed in range(60)]


def test_seed_is_the_same_on_every_machine_and_in_every_version():
    # A change of these numbers changes every picture that was ever drawn.
    assert seed_of("a cat", 0) == 7659188752390585228
    assert seed_of("猫", 0) == 12563843531201031196


def test_seed_tells_values_and_their_borders_apart():
    assert (
        len({seed_of("ab", "c"), seed_of("a", "bc"), seed_of("abc"), seed_of("abc", 0), seed_of("\ud800")})
        == 5
    )
