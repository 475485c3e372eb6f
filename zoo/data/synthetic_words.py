"""The departments, styles and brands of the built-in shop, with the words for titles and descriptions."""

from typing import NamedTuple


class Category(NamedTuple):
    """A department of the shop.

    Attributes:
        name: The department's name.
        kinds: The kinds of products.
        materials: The materials of the products.
        variants: Sizes or packs.
        price: The median price.
        spread: The standard deviation of the logarithm of the price.
        complement: The department whose products are bought together with this one's.
        season: The month (1 to 12) in which demand peaks, or 0 for none.
        cycle: Days after which a product is used up and bought again, or 0 for durable products.
    """

    name: str
    kinds: tuple[str, ...]
    materials: tuple[str, ...]
    variants: tuple[str, ...]
    price: float
    spread: float
    complement: str
    season: int = 0
    cycle: int = 0


def _words(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated list."""
    return tuple(part.strip() for part in text.split(","))


_CLOTHES = _words("size S, size M, size L, size XL")

CATEGORIES = (
    Category("running", _words("running shirt, running tights, training shorts, running jacket"),
             _words("merino wool, recycled polyester, bamboo, stretch nylon"), _CLOTHES, 45, 0.45, "socks", 4),
    Category("socks", _words("running socks, hiking socks, ankle socks, knee socks"),
             _words("merino wool, cotton, bamboo, alpaca"), _words("size 36-38, size 39-41, size 42-44"), 12, 0.3, "shoes"),
    Category("shoes", _words("trail shoes, sneakers, hiking boots, sandals, loafers"),
             _words("leather, canvas, mesh, suede"), _words("size 37, size 39, size 41, size 43"), 85, 0.4, "socks", 5),
    Category("coffee", _words("espresso beans, filter coffee, decaf beans, coffee pods"),
             _words("organic, dark roast, light roast, single origin"), _words("250 g, 500 g, 1 kg"), 11, 0.35, "coffee makers", 0, 21),
    Category("coffee makers", _words("moka pot, pour-over dripper, hand grinder, milk frother, espresso machine"),
             _words("stainless steel, aluminium, glass, ceramic"), _words("2 cups, 4 cups, 6 cups"), 48, 0.8, "coffee", 12),
    Category("tea", _words("black tea, green tea, herbal infusion, rooibos"),
             _words("organic, loose leaf, pyramid bag, single estate"), _words("20 bags, 100 g, 250 g"), 8, 0.35, "tableware", 11, 30),
    Category("tableware", _words("mug, dinner plate, cereal bowl, serving platter, teapot"),
             _words("stoneware, porcelain, glass, bamboo"), _words("single, set of 2, set of 4"), 24, 0.5, "tea", 12),
    Category("cookware", _words("frying pan, saucepan, casserole, wok"),
             _words("cast iron, copper, stainless steel, enamel"), _words("20 cm, 24 cm, 28 cm"), 60, 0.55, "kitchen tools"),
    Category("kitchen tools", _words("chef's knife, chopping board, whisk, grater, peeler"),
             _words("stainless steel, olive wood, silicone, carbon steel"), _words("small, medium, large"), 22, 0.65, "cookware"),
    Category("bedding", _words("duvet cover, pillowcase, fitted sheet, throw"),
             _words("linen, organic cotton, flannel, satin"), _words("single bed, double bed, king size"), 55, 0.5, "candles", 10),
    Category("candles", _words("scented candle, pillar candle, tea lights, wax melts"),
             _words("soy wax, beeswax, rapeseed wax, coconut wax"), _words("small, medium, large"), 14, 0.45, "bedding", 12, 45),
    Category("lighting", _words("table lamp, floor lamp, pendant lamp, reading light"),
             _words("brass, smoked glass, rattan, oak"), _words("small, medium, large"), 90, 0.6, "furniture", 11),
    Category("furniture", _words("side table, bookshelf, stool, coat rack"),
             _words("oak, walnut, birch, powder-coated steel"), _words("low, tall"), 140, 0.5, "lighting", 9),
    Category("skin care", _words("face cream, serum, cleanser, hand balm"),
             _words("aloe, shea butter, rosehip, oat"), _words("30 ml, 50 ml, 100 ml"), 18, 0.6, "hair care", 1, 40),
    Category("hair care", _words("shampoo, conditioner, hair oil, hair mask"),
             _words("argan, nettle, coconut, rosemary"), _words("100 ml, 250 ml, 500 ml"), 13, 0.4, "skin care", 0, 45),
    Category("dog food", _words("dry dog food, wet dog food, dog treats, puppy food"),
             _words("chicken, salmon, lamb, grain-free"), _words("1 kg, 3 kg, 12 kg"), 26, 0.6, "dog gear", 0, 28),
    Category("dog gear", _words("dog lead, dog bed, chew toy, dog coat"),
             _words("rope, leather, fleece, natural rubber"), _words("small, medium, large"), 27, 0.55, "dog food"),
    Category("gardening", _words("plant pot, pruning shears, watering can, raised bed"),
             _words("terracotta, galvanised steel, ash wood, recycled plastic"), _words("small, medium, large"), 30, 0.6, "seeds", 5),
    Category("seeds", _words("herb seeds, wildflower mix, vegetable seeds, flower bulbs"),
             _words("organic, heirloom, bee-friendly, early"), _words("1 bag, 3 bags, 5 bags"), 6, 0.35, "gardening", 4),
    Category("stationery", _words("notebook, planner, fountain pen, pencil case"),
             _words("recycled paper, leather, linen, felt"), _words("A6, A5, A4"), 16, 0.5, "audio", 9),
    Category("audio", _words("headphones, earbuds, speaker, record player"),
             _words("aluminium, walnut, knit fabric, recycled plastic"), _words("wired, wireless"), 110, 0.65, "stationery", 12),
    Category("toys", _words("puzzle, building blocks, plush animal, picture book"),
             _words("beech wood, organic cotton, cardboard, felt"), _words("from 1 year, from 3 years, from 6 years"), 20, 0.45, "toys", 12),
)  # fmt: skip
"""The departments. A shop with n departments has the first n."""


class Style(NamedTuple):
    """A style shared by all departments, for which customers have a taste.

    Attributes:
        adjectives: Adjectives in titles.
        colours: The style's colours.
        phrases: Phrases in descriptions.
    """

    adjectives: tuple[str, ...]
    colours: tuple[str, ...]
    phrases: tuple[str, ...]


STYLES = (
    Style(_words("plain, slim, pure"), _words("white, grey, black"),
          ("Pared back and quiet", "A minimal design without ornament", "Reduced to what is needed")),
    Style(_words("rustic, farmhouse, hand-made"), _words("brown, terracotta, cream"),
          ("With the charm of the countryside", "Made by hand in small batches", "Warm, honest and a little rough")),
    Style(_words("active, light, quick"), _words("neon yellow, electric blue, red"),
          ("For those who are always on the move", "Made for sport and speed", "Light and full of energy")),
    Style(_words("vintage, retro, seventies"), _words("mustard, orange, olive"),
          ("Inspired by the sixties and seventies", "A nod to a vintage classic", "Nostalgic in form and colour")),
    Style(_words("luxury, fine, signature"), _words("gold, ivory, burgundy"),
          ("A touch of luxury", "Exquisite in every detail", "Refined, for special moments")),
    Style(_words("playful, happy, patterned"), _words("pink, turquoise, rainbow"),
          ("Bright, cheerful and fun", "Playful patterns for every day", "Makes you smile")),
    Style(_words("rugged, alpine, all-weather"), _words("forest green, navy, sand"),
          ("Built for the outdoors", "Tough, for mountains and rough weather", "Made for adventure")),
    Style(_words("botanical, natural, green"), _words("sage, moss, sky blue"),
          ("Kind to nature", "Plant-based and sustainable", "Inspired by leaves and meadows")),
)  # fmt: skip

BRAND_STARTS = _words("Nord, Alder, Bree, Calla, Dor, Elm, Fjell, Gran, Halo, Iver, Juni, Kes, Lum, Mar, Oak, Pell, Quill, Ros, Sol, Tar, Umbra, Vel, Wil, Yar")  # fmt: skip
BRAND_ENDS = _words("vik, en, stone, field, mere, ova, ton, well, ia, berg, sund, wick")
