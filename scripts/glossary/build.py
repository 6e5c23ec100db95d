"""Makes models/glossary/{ko,zh,ja}.tsv.zst: words of research in Korean, Chinese and Japanese, and the English words for them.

What it reads, and under which licence each says it stands: models/glossary/README.md. `build.sh` gets it all and runs this.
A line is: word TAB english weight english weight ..., weights from 1 to 15 being fifteenths of what a word means.
"""
import collections, functools, gettext, glob, html, os, re, sqlite3, subprocess, sys, unicodedata

import snowballstemmer
from wordfreq import get_frequency_dict

SOURCES, OUT = sys.argv[1], sys.argv[2]
# Longer words are not looked up (src/lexical/glossary.rs).
ENGLISH_A_WORD, LEAST_SHARE, LONGEST_WORD = 5, .06, 8
stem = functools.lru_cache(None)(snowballstemmer.stemmer('english').stemWord)
surfaces = collections.defaultdict(collections.Counter)
STOP = set('''a an the to of in on at for with by from as be is are being been or and not no one's ones one oneself someone
somebody something sb sth etc esp e.g i.e so that this it its having have has had do does make made into up out off over get such
very any some who which what than other others more most kind sort type thing things person people used use way about between
through all also et al abbr see variant lit fig if you your can will when'''.split())


def stems(text):
    text = re.sub(r'\([^)]*\)|\[[^\]]*\]|\{[^}]*\}', ' ', text.lower()).replace('-', ' ')
    found = [word for word in re.findall('[a-z]+', text) if word not in STOP and len(word) > 1]
    for word in found:
        surfaces[stem(word)][word] += 1
    return [stem(word) for word in found]


def spread(senses):
    """What a word means: earlier senses and shorter glosses say more."""
    count = collections.Counter()
    for rank, glosses in enumerate(senses):
        for gloss in glosses:
            found = stems(gloss)
            if 0 < len(found) <= 4:
                for one in found:
                    count[one] += 1 / (1 + rank) / len(found) / len(glosses)
    total = sum(count.values())
    return {one: weight / total for one, weight in count.items()} if total else None


def mean(meanings):
    mixed = collections.Counter()
    for meaning in meanings:
        for one, weight in meaning.items():
            mixed[one] += weight / len(meanings)
    return dict(mixed)


def mean_of_common(meanings):
    """Of several words of one spelling the common ones."""
    most = max(common for common, _ in meanings)
    return mean([meaning for common, meaning in meanings if common == most][:3])


def cedict():
    path = glob.glob(f'{SOURCES}/**/cedict/*.txt', recursive=True)[0]
    for line in open(path, encoding='utf8'):
        entry = re.match(r'(\S+) (\S+) \[([^\]]*)\] /(.*)/', line)
        if entry and not entry[3][0].isupper():
            kept = [g.split(';') for g in entry[4].split('/') if not re.match('(variant|old variant|CL:|see |surname|abbr)', g)]
            meaning = spread(kept)
            if meaning:
                yield entry[1], entry[2], meaning


class Jmdict:
    def __init__(self):
        database = sqlite3.connect(glob.glob(f'{SOURCES}/**/jamdict.db', recursive=True)[0])
        rows = lambda query: database.execute(query).fetchall()
        table = lambda query: functools.reduce(lambda d, r: d[r[0]].append(r[1]) or d, rows(query), collections.defaultdict(list))
        self.kanji, self.kana = table('select idseq,text from Kanji'), table('select idseq,text from Kana')
        self.senses = table('select idseq,ID from Sense order by ID')
        # How many lists of common words have a spelling of an entry.
        self.common = collections.Counter((entry, text) for table, marks, key in (('Kanji', 'KJP', 'kid'), ('Kana', 'KNP', 'kid'))
                                          for entry, text in rows(f'select idseq,{table}.text from {table} join {marks} on {marks}.{key}={table}.ID'))
        self.misc, self.pos = table('select sid,text from misc'), table('select sid,text from pos')
        self.glosses = collections.defaultdict(list)
        for sense, language, text in rows('select sid,lang,text from SenseGloss'):
            if language in ('eng', '', None):
                self.glosses[sense].append(text)

    def meaning(self, entry, most=99):
        old = lambda sense: any(mark in note for note in self.misc[sense] for mark in ('archa', 'obsol', 'obsc'))
        alone = lambda sense: not any(part in p for p in self.pos[sense] for part in ('suffix', 'prefix', 'counter'))
        return spread([self.glosses[sense] for sense in self.senses[entry][:most] if not old(sense) and alone(sense)])

    def bends(self, entry):
        return any('verb' in p or 'keiyoushi' in p for sense in self.senses[entry] for p in self.pos[sense])

    def in_kana(self, entry):
        return not self.kanji.get(entry) or any('kana alone' in note for s in self.senses[entry] for note in self.misc[s])


def is_han(word):
    return all('\u3400' <= c <= '\u9fff' or '\uf900' <= c <= '\ufaff' for c in word)


def chinese():
    words = collections.defaultdict(list)
    for traditional, simplified, meaning in cedict():
        for word in {traditional, simplified}:
            words[word].append(meaning)
    return {word: mean(meanings[:4]) for word, meanings in words.items()}


def japanese(jmdict):
    words, bent = collections.defaultdict(list), collections.defaultdict(list)
    for entry in jmdict.senses:
        meaning = jmdict.meaning(entry, 3)
        # In hiragana a run of endings looks like words.
        short = 3 if any(re.search('[ぁ-ゖ]', k) for k in jmdict.kana[entry]) else 2
        kana = {k for k in jmdict.kana[entry] if len(k) >= short} if jmdict.in_kana(entry) else set()
        for word in set(jmdict.kanji[entry]) | kana if meaning else ():
            common = jmdict.common[entry, word]
            words[word].append((common, meaning))
            # What bends is looked up by what does not.
            if jmdict.bends(entry) and re.search('[\u3400-\u9fff].*[うくぐすつぬぶむるい]$', word):
                bent[word[:-1]].append((common, meaning))
    return {word: mean_of_common(meanings) for word, meanings in {**bent, **words}.items()}


def variants():
    """One spelling of each Han character, whether Korea, China, Taiwan or Japan writes it."""
    parent = {}
    def find(c):
        while parent.get(c, c) != c:
            c = parent[c]
        return c
    import opencc
    folder = os.path.join(os.path.dirname(opencc.__file__), 'dictionary')
    for name in ('JPVariants', 'TWVariants', 'HKVariants'):
        path = f'{folder}/{name}.txt'
        for line in open(path, encoding='utf8') if os.path.exists(path) else ():
            one, others = line.rstrip('\n').split('\t')[:2]
            for other in others.split():
                if len(one) == len(other) == 1:
                    parent.setdefault(find(one), find(other)) if find(one) != find(other) else None
    groups = '''敎教 旣既 卽即 靑青 眞真 說説 淸清 爲為 錄録 戶户戸 內内 査查 產産 緖緒 敍敘叙 硏研 竝並 幷并 稅税 脫脱 銳鋭 閱閲 絕絶 彥彦
    顏顔 溫温 槪概 鄕鄉郷 强強 値值 衆眾 裏裡 啓啟 群羣 略畧 鑑鑒 慨慨 僞偽 衛衞 步歩 每毎 海海 綠緑 虛虚 戲戯戱 顚顛 塡填 愼慎 鎭鎮 缺欠 遙遥
    搖揺 樣様 冊册 姬姫 別别 兌兑 悅悦 頻頻 壓圧 應応 亞亜 惡悪 圖図 據拠 擧挙舉 將将 獎奨奬 輕軽 徑径 經経 總総 殘残 淺浅 踐践 錢銭 擇択
    澤沢 譯訳 釋釈 驛駅 邊辺 變変 戀恋 辯弁辨 發発 廢廃 濾滤 餾溜 佈布 聯連 併並 畫画 劃画'''
    for group in groups.split():
        for c in group[1:]:
            if find(group[0]) != find(c):
                parent[find(c)] = find(group[0])
    one = functools.lru_cache(None)(lambda c: find(unicodedata.normalize('NFKC', c)))
    return lambda word: ''.join(map(one, word))


def by_hanja(jmdict):
    """Korean words through the Han characters they are of: 환각 is 幻覺, which Chinese and Japanese dictionaries have."""
    canonical = variants()
    in_chinese, in_japanese = get_frequency_dict('zh', 'large'), get_frequency_dict('ja', 'large')
    known = collections.defaultdict(lambda: [0.0, []])
    def learn(word, frequency, meaning):
        entry = known[canonical(word)]
        entry[0] = max(entry[0], frequency)
        entry[1].append(meaning)
    for entry in jmdict.senses:
        meaning = jmdict.meaning(entry)
        for word in set(jmdict.kanji[entry]) if meaning else ():
            word = re.sub('(する|な|の|い)$', '', word)
            if len(word) > 1 and is_han(word):
                learn(word, in_japanese.get(word, 0), meaning)
    for traditional, simplified, meaning in cedict():
        if len(traditional) > 1 and is_han(traditional):
            learn(traditional, in_chinese.get(simplified, 0), meaning)
    spelled = collections.defaultdict(set)
    for line in open(glob.glob(f'{SOURCES}/**/hanja/hanja.txt', recursive=True)[0], encoding='utf8'):
        parts = line.rstrip('\n').split(':')
        if not line.startswith('#') and len(parts) > 1 and len(parts[0]) > 1 and is_han(parts[1]):
            spelled[parts[0]].add(canonical(parts[1]))
    words = {}
    for word, of in spelled.items():
        candidates = sorted(((known[han][0] + 1e-8, han) for han in of if han in known), reverse=True)[:4]
        if candidates:
            # Of homophones the frequent one is meant more often.
            total = sum(frequency ** .7 for frequency, _ in candidates)
            meaning = collections.Counter()
            for frequency, han in candidates:
                for one, weight in mean(known[han][1]).items():
                    meaning[one] += weight * frequency ** .7 / total
            words[word] = dict(meaning)
    return words


def aligned():
    """Korean words by the English beside which they stand in LibreOffice (IBM model 1; Brown et al. 1993)."""
    from kiwipiepy import Kiwi
    pairs = set()
    noise = r'<[^>]+>|%\S+|\{[^}]*\}|\$\([^)]*\)'
    for path in glob.glob(f'{SOURCES}/**/*.mo', recursive=True):
        for key, text in gettext.GNUTranslations(open(path, 'rb'))._catalog.items():
            key = (key[0] if isinstance(key, tuple) else key).split('\x04')[-1]
            key = re.sub('[_~&]', '', re.sub(noise, ' ', key))
            text = re.sub(r'\(_?[~&]?[A-Z]\)', '', re.sub(noise, ' ', text))
            if key and re.search('[가-힣]', text) and len(key) < 400:
                pairs.add((key, text))
    def paragraphs(path):
        found = re.finditer(r'<(?:p|h\d)[^>]* id="([^"]+)"[^>]*>(.*?)</(?:p|h\d)>', open(path, encoding='utf8', errors='ignore').read(), re.S)
        return {m[1]: html.unescape(re.sub('<[^>]+>', ' ', m[2])).strip() for m in found}
    for path in glob.glob(f'{SOURCES}/**/help/ko/**/*.html', recursive=True):
        english = path.replace('libreoffice-help-ko', 'libreoffice-help-en-us').replace('/help/ko/', '/help/en-US/')
        if os.path.exists(english):
            korean, english = paragraphs(path), paragraphs(english)
            pairs |= {(english[k], korean[k]) for k in korean if k in english and re.search('[가-힣]', korean[k]) and len(english[k]) < 500}
    pairs = sorted(pairs)
    texts = []
    for (english, _), tokens in zip(pairs, Kiwi(num_workers=1).tokenize([text for _, text in pairs])):
        # A verb by its stem, which is what stands before any ending.
        words = [t.form for t in tokens if t.tag.split('-')[0] in ('NNG', 'NNP', 'XR', 'VV', 'VA', 'MAG') and re.search('[가-힣]', t.form)]
        found = stems(english)
        if words and 0 < len(found) < 60:
            texts.append((found, words + ['']))
    means = None
    for _ in range(6):
        counts = collections.defaultdict(lambda: collections.defaultdict(float))
        for found, words in texts:
            for one in found:
                shares = [1.0 if means is None else means[word].get(one, 1e-9) for word in words]
                total = sum(shares)
                for word, share in zip(words, shares):
                    if share / total > 1e-4:
                        counts[word][one] += share / total
        means = {w: {e: c / sum(of.values()) for e, c in of.items() if c / sum(of.values()) > .005} for w, of in counts.items()}
    often = collections.Counter(word for _, words in texts for word in set(words))
    words = {}
    for word, meaning in means.items():
        best = {e: p for e, p in sorted(meaning.items(), key=lambda x: -x[1])[:6] if p >= .05}
        if word and often[word] >= 2 and best:
            words[word] = {e: p / sum(best.values()) for e, p in best.items()}
    return words


# Particles and endings, and words that stand in every text.
NO_WORDS = set('''에서 에게 으로 까지 부터 보다 처럼 만큼 하는 하고 하기 하다 하며 하면 하지 해서 했다 한다 되는 되고 되어 된다 되기 이다 입니 니다 습니
합니 됩니 있는 있다 있고 없는 없다 대한 위한 위해 통해 대해 이런 그런 어떤 같은 같이 듯한 이라 라는 다는 이고 인데 는데 지만 네요 군요 어요 아요 나요
하군 하네 정도 경우 때문 이나 거나 든지 면서 면은 시켜 시키 시킨 이후 그리 그래 그러 이게 그게 것은 것이 것을 수는 수가 수도 들을 들이 들은 들의 에는
에도 로는 로도 와는 과는 과의 와의 되다 같다 않다 위하다 대하다 통하다 나오다 대신 생각 느낌 이번 사용 있 없 하 되 이 보이 주 같 않 나오 위하 대하 통하'''.split())


def korean(jmdict):
    hanja, beside = by_hanja(jmdict), aligned()
    words = {}
    for word in set(hanja) | set(beside):
        if len(word) > 1 and word not in NO_WORDS:
            words[word] = mean([source[word] for source in (hanja, beside) if word in source])
    return words


def write(language, words):
    lines = []
    for word, meaning in sorted(words.items(), key=lambda entry: entry[0].encode()):
        kept = [(e, p) for e, p in sorted(meaning.items(), key=lambda x: (-x[1], x[0]))[:ENGLISH_A_WORD] if p >= LEAST_SHARE]
        if kept and len(word) <= LONGEST_WORD:
            shown = ' '.join(f'{surfaces[e].most_common(1)[0][0]} {max(1, min(15, round(p * 15)))}' for e, p in kept)
            lines.append(f'{word}\t{shown}\n')
    path = f'{OUT}/{language}.tsv'
    open(path, 'w', encoding='utf8').writelines(lines)
    subprocess.run(['zstd', '-q', '-f', '-19', '--rm', path], check=True)
    print(language, len(lines), 'words,', os.path.getsize(path + '.zst'), 'bytes')


jmdict = Jmdict()
tables = {'ko': korean(jmdict), 'zh': chinese(), 'ja': japanese(jmdict)}
for language, words in tables.items():
    write(language, words)
