//! Questions that no paper answers: random words in four languages, and sentences of other domains. Deterministic.

/// Everyday words: kitchen, weather, sport, law, household.
const WORDS: [&[&str]; 4] = [
    &[
        "umbrella", "onion", "referee", "mortgage", "curtain", "saddle", "pancake", "landlord", "drizzle", "goalkeeper",
        "carpet", "vinegar", "lawsuit", "tractor", "pillow", "sausage", "tournament", "plumber", "blanket", "harvest",
        "candle", "trousers", "butcher", "orchard", "parking", "wedding", "lipstick", "ferry", "garlic", "dentist",
        "hammer", "passport", "violin", "skiing", "gravel", "mustard", "divorce", "kitten", "thunder", "bakery",
    ],
    &[
        "우산", "양파", "심판", "전세", "커튼", "김치찌개", "장마", "축구", "이불", "식초", "소송", "경운기", "베개", "순대", "결승전", "배관공",
        "담요", "추수", "양초", "바지", "정육점", "과수원", "주차장", "결혼식", "립스틱", "여객선", "마늘", "치과", "망치", "여권", "바이올린",
        "스키장", "자갈", "겨자", "이혼", "고양이", "천둥", "빵집", "냉면", "미용실",
    ],
    &[
        "雨伞", "洋葱", "裁判", "房租", "窗帘", "马鞍", "煎饼", "房东", "毛毛雨", "守门员", "地毯", "陈醋", "诉讼", "拖拉机", "枕头", "香肠",
        "锦标赛", "水管工", "毯子", "秋收", "蜡烛", "裤子", "屠夫", "果园", "停车场", "婚礼", "口红", "渡轮", "大蒜", "牙医", "锤子", "护照",
        "小提琴", "滑雪", "砾石", "芥末", "离婚", "小猫", "打雷", "面包店",
    ],
    &[
        "傘", "玉ねぎ", "審判", "家賃", "カーテン", "味噌汁", "梅雨", "野球", "布団", "酢", "裁判所", "耕運機", "枕", "焼き鳥", "決勝戦", "水道屋",
        "毛布", "稲刈り", "ろうそく", "ズボン", "肉屋", "果樹園", "駐車場", "結婚式", "口紅", "フェリー", "にんにく", "歯医者", "金槌", "旅券",
        "三味線", "スキー場", "砂利", "からし", "離婚", "子猫", "雷", "パン屋", "蕎麦", "床屋",
    ],
];

const SENTENCES: [&str; 40] = [
    "How long do I roast a chicken of two kilos?",
    "Cheap flights from Lisbon to Oslo in October",
    "Who won the women's tennis final last year?",
    "My landlord keeps the deposit, what can I do?",
    "Best way to remove red wine from a white carpet",
    "Opening hours of the public swimming pool",
    "The cat does not eat since yesterday",
    "How to prune apple trees in winter",
    "Wedding dress rental near the station",
    "Which oil for a diesel tractor of 1978?",
    "김치찌개 맛있게 끓이는 법",
    "전세 보증금을 돌려받지 못하고 있어요",
    "주말에 아이와 갈 만한 놀이공원",
    "자동차 보험료 비교",
    "허리가 아플 때 좋은 스트레칭",
    "돌잔치 답례품 추천",
    "제주도 렌터카 가격",
    "베란다에서 상추 키우기",
    "중고 피아노 팔아요",
    "어제 축구 경기 결과",
    "红烧肉怎么做才好吃",
    "房东不退押金怎么办",
    "周末带孩子去哪里玩",
    "汽车保险哪家便宜",
    "猫咪不吃东西怎么回事",
    "结婚请柬怎么写",
    "阳台上种什么菜好",
    "昨天的足球比赛结果",
    "二手钢琴转让",
    "附近的游泳馆几点开门",
    "美味しいカレーの作り方",
    "敷金が返ってこない",
    "週末に子どもと行ける遊園地",
    "自動車保険の比較",
    "腰が痛いときのストレッチ",
    "結婚式の招待状の書き方",
    "ベランダでトマトを育てる",
    "昨日の野球の結果",
    "中古ピアノ売ります",
    "近くのプールの営業時間",
];

/// Two hundred questions about nothing in a library of papers.
pub fn nonsense() -> Vec<String> {
    // Knuth's MMIX generator; the high bits are the random ones.
    let mut state = 20_261_122_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut questions: Vec<String> = SENTENCES.iter().map(|sentence| (*sentence).to_owned()).collect();
    while questions.len() < 200 {
        let words = WORDS[questions.len() % WORDS.len()];
        let count = 2 + next(5);
        questions.push((0..count).map(|_| words[next(words.len())]).collect::<Vec<_>>().join(" "));
    }
    questions
}
