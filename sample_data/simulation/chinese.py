"""A shop whose catalogue and export are Chinese: `catalog_zh.csv` and `orders_zh.csv`."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.dice import Dice

CATALOG_COLUMNS = ("商品编号", "商品名称", "品牌", "类目", "价格", "描述")
ORDER_COLUMNS = ("订单号", "会员号", "商品编号", "商品名称", "数量", "单价", "下单时间")
MEMBERS = 160
ORDERS = 700


@dataclass(frozen=True)
class Shelf:
    """Goods of one kind: category, brands, names, variants, base price, and what is said of them."""

    category: str
    brands: tuple[str, ...]
    names: tuple[str, ...]
    variants: tuple[str, ...]
    price: float
    about: str


SHELVES = (
    Shelf("食品 > 茶叶", ("云溪", "岭南山房"), ("明前龙井绿茶", "安溪铁观音", "正山小种红茶", "云南普洱熟茶"),
          ("50克", "100克", "250克", "礼盒装"), 38.0, "当年新茶，香气清雅，回甘持久"),
    Shelf("家居 > 茶具", ("景陶", "青禾"), ("白瓷盖碗", "紫砂茶壶", "玻璃公道杯", "手绘品茗杯"),
          ("小号", "中号", "大号"), 66.0, "手工烧制，胎质细腻，适合家用品茶"),
    Shelf("食品 > 面食", ("麦香坊", "老陈家"), ("兰州拉面", "手工挂面", "荞麦面条", "红薯粉丝"),
          ("400克", "1公斤", "家庭装"), 12.0, "小麦精磨，口感劲道，久煮不烂"),
    Shelf("食品 > 调味", ("川味斋", "老陈家"), ("郫县豆瓣酱", "镇江香醋", "小磨芝麻油", "特级生抽酱油"),
          ("250毫升", "500毫升", "1升"), 15.0, "传统工艺酿造，炒菜凉拌都合适"),
    Shelf("家居 > 厨具", ("青禾", "铁匠铺"), ("铸铁炒锅", "竹制菜板", "不锈钢汤勺", "硅胶锅铲"),
          ("小号", "大号"), 49.0, "耐用易清洗，日常烹饪好帮手"),
    Shelf("文具 > 书法", ("墨韵", "松风阁"), ("狼毫毛笔", "安徽宣纸", "松烟墨条", "端石砚台"),
          ("初学", "练习", "专业"), 29.0, "初学练字和创作均可使用"),
)  # fmt: skip
TOGETHER = ((0, 1), (2, 3), (3, 4))
"""Shelves whose goods are bought in one order."""


@dataclass(frozen=True)
class Good:
    """One product of the shop."""

    number: str
    title: str
    brand: str
    shelf: int
    price: float


def make_goods(dice: Dice) -> list[Good]:
    """Return the products, numbered by shelf."""
    goods: list[Good] = []
    for place, shelf in enumerate(SHELVES):
        labels = [(b, n, v) for b in shelf.brands for n in shelf.names for v in range(len(shelf.variants))]
        for number, (brand, name, size) in enumerate(labels):
            price = round(shelf.price * (0.7 + 0.6 * dice.unit()) * (1 + 0.8 * size), 1)
            title = f"{name} {shelf.variants[size]}"
            goods.append(Good(f"{place + 1:02}{number:03}", title, brand, place, price))
    return goods


def catalog_rows(goods: list[Good], dice: Dice) -> list[tuple[str, ...]]:
    """Return the rows of `catalog_zh.csv`; one description in ten is missing."""
    return [
        (good.number, good.title, good.brand, SHELVES[good.shelf].category, f"{good.price:.2f}",
         "" if dice.chance(0.1) else SHELVES[good.shelf].about)
        for good in goods
    ]  # fmt: skip


def order_rows(goods: list[Good], dice: Dice) -> list[tuple[str, ...]]:
    """Return the rows of `orders_zh.csv`: orders from one shelf, often with what goes with it."""
    by_shelf = [[good for good in goods if good.shelf == place] for place in range(len(SHELVES))]
    partners = {place: [b if a == place else a for a, b in TOGETHER if place in (a, b)] for place in range(6)}
    favourites = [dice.sample(range(len(SHELVES)), 2) for _ in range(MEMBERS)]
    rows = []
    for number in range(ORDERS):
        member = dice.below(MEMBERS)
        shelf = dice.one_of(favourites[member])
        wanted = _some(by_shelf[shelf], dice)
        for partner in partners[shelf]:
            if dice.chance(0.45):
                wanted += _some(by_shelf[partner], dice)
        moment = f"2025-{1 + number * 12 // ORDERS:02}-{1 + dice.below(28):02} {8 + dice.below(14):02}:30"
        rows += [
            (f"D{number + 1:05}", f"M{member + 1:04}", good.number, good.title,
             str(1 + dice.geometric(0.4)), f"{good.price:.2f}", moment)
            for good in wanted
        ]  # fmt: skip
    return rows


def _some(goods: list[Good], dice: Dice) -> list[Good]:
    """Return one to three products, the first of a shelf more often than the last."""
    chosen = {int(len(goods) * dice.unit() ** 2) for _ in range(1 + dice.geometric(0.8))}
    return [goods[place] for place in sorted(chosen)]
