"""Streets with house numbers, by the words for street of many languages and by how East Asia writes addresses."""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

WORDS = (
    # English
    "street|st|road|rd|avenue|ave|av|boulevard|blvd|lane|ln|drive|dr|court|ct|square|sq|place|pl|terrace|way|"
    "parkway|pkwy|highway|hwy|crescent|close|grove|gardens|mews|row|circle|trail|alley|plaza|loop|pike|turnpike|"
    "ridge|summit|path|walk|viaduct|trafficway|causeway|crossing|expressway|freeway|bypass|meadows?|mill|"
    "mount(?:ain)?|orchard|springs?|station|stravenue|throughway|track|tunnel|union|valley|view|villages?|ville|"
    "vista|burgs?|courts|coves?|creek|crest|dale|dam|divide|estates?|extensions?|falls|ferry|fields?|flats?|"
    "fords?|forest|forges?|forks?|fort|gateway|glens?|greens?|harbors?|haven|heights|hills?|hollow|inlet|"
    "islands?|isle|junctions?|keys?|knolls?|lakes?|landing|lights?|locks?|lodge|manors?|parks?|passage|pines?|"
    "plains?|points?|ports?|prairie|radial|ramp|ranch|rapids?|rest|river|roads|route|shoals?|shores?|squares|"
    "streets|suite|apt|"
    # French, Spanish, Portuguese, Italian, Romanian
    "rue|chemin|impasse|allée|allee|quai|cours|place|route|bd|calle|c/|carrer|avenida|avda|av|paseo|plaza|camino|"
    "ronda|travesía|cuesta|glorieta|pasaje|callejón|rambla|urbanización|vía|via|privada|prolongación|calzada|"
    "cerrada|circuito|boulevard|eje|periférico|viaducto|peatonal|continuación|diagonal|rua|travessa|alameda|"
    "praça|praca|largo|rodovia|estrada|avenida|viela|vila|residencial|setor|quadra|núcleo|loteamento|jardim|"
    "favela|fazenda|esplanada|distrito|condomínio|conjunto|colônia|chácara|campo|área|aeroporto|trecho|trevo|"
    "vale|vereda|viaduto|passarela|parque|lagoa|lagoa|sítio|feira|estação|morro|pátio|ladeira|recanto|viale|"
    "piazza|piazzale|corso|vicolo|largo|contrada|strada|borgo|canale|incrocio|rotonda|stretto|lungomare|strada|"
    "bulevardul|aleea|calea|șoseaua|piața|intrarea|drumul|"
    # Slavic, Baltic, Hungarian, Turkish, Greek
    r"ul\.|ulica|ulice|al\.|aleja|aleje|pl\.|plac|os\.|osiedle|náměstí|nám\.|třída|ул\.?|улица|пр\.?|просп\.?|"
    r"проспект|пер\.?|переулок|бул\.?|бульвар|наб\.?|набережная|ш\.?|шоссе|пл\.?|площадь|алл?ея|вул\.?|вулиця|"
    r"провулок|площа|набережна|узвіз|д\.|буд\.|кв\.|ж\.к\.|бл\.|utca|u\.|út|útja|tér|tere|körút|köz|sétány|fasor|"
    r"sor|lejtő|cadde(?:si)?|cad\.?|cd\.?|sokak|sokağı|sk\.?|sok\.?|bulvarı|bulv\.?|mahalle(?:si)?|mah\.?|mh\.?|"
    r"no:?|apt\.?|"
    "οδός|οδ\\.|λεωφ\\.?|λεωφόρος|πλατεία|πλ\\.|"
    # Semitic, Persian, Indic, Thai, Vietnamese, Indonesian
    "شارع|طريق|ميدان|حي|خیابان|کوچه|بلوار|میدان|بزرگراه|آزادراه|רחוב|שדרות|שד'|סמטת|סמטה|דרך|כיכר|מעלה|ככר|"
    "nagar|marg|chowk|gali|path|road|नगर|मार्ग|गली|रोड|पथ|चौक|गंज|सड़क|ถนน|ซอย|หมู่|ถ\\.|đường|phố|jalan|jl\\.|"
    "gang|gg\\."
)
ENDINGS = (
    "straße|strasse|str\\.|weg|gasse|platz|allee|ring|ufer|damm|stieg|graben|chaussee|straat|laan|plein|gracht|"
    "kade|dijk|dreef|hof|steeg|singel|pad|baan|gatan|vägen|gränd|torget|stigen|gata|gate|gaten|veien|veg|vegen|"
    "vei|svingen|bakken|haugen|gade|gaden|vej|vejen|vænget|løkka|stien|lia|åsen|jordet|tunet|skogen|ringen|moen|"
    "vika|kollen|faret|stranda|toppen|vollen|hagen|myra|marka|stræde|toften|parken|alléen|vangen|katu|tie|kuja|"
    "polku|tori|kaari|kaarre|rinne|raitti|ranta|penger|utca|útja|tere|körútja|sokak|caddesi|ská|ova|ého|"
)
# fmt: off
_NUMBER = r"(?:^|[\s,/#:\-])(?:n[º°o.]?\s*)?\p{Nd}{1,5}\s?[a-zA-Zα-ωа-я]?(?:[\s,./\-–]|$)"
# fmt: on
ASIAN = (
    r"[都道府県].*[市区町村郡]|[市区町村郡].*\d|丁目|番地|(?:路|街|巷|弄|道|大街|"
    r"胡同)\s*[\d一二三四五六七八九十]*\s*号?|[省市区县].*[路街号座]|[路街巷].{0,4}[座号室栋]|"
    r"(?:도|시)\s+\S+(?:구|군|시)\s|(?:동|로|길|가)\s?\d|[로길]\s*\d+(?:번?길)?|지하|ชั้น|ถนน|ถ\.|ซอย|\d+[号號座]"
)
WITH_CODE = (
    r"^\s*(?:\p{L}[^\n@]{2,60}[\s,]\p{Nd}{1,4}\s?\p{L}?|"
    r"\p{Nd}{1,4}(?:/\p{Nd}+)?\s?\p{L}?[\s,]+\p{L}[^\n@]{2,60})[\s,;]+"
    r"(?:.*[\s,])?(?:\p{L}{1,3}-)?(?:\p{Nd}{4,7}|\p{Nd}{3}[\s\-]\p{Nd}{2,4}|\p{Nd}{2}-\p{Nd}{3})(?:[\s,].*\p{L}{3,}.*|"
    r"\s*)$"
)
SHORT = r"^\s*\S+(?:\s+\S+){0,11}\s*$"
# no verb, no sentence: an address has commas and digits but no full stop between long words
SENTENCE = r"\p{Ll}{3,}[.!?]\s+\p{Lu}\p{Ll}+\s+\p{Ll}+\s+\p{Ll}+"


def recognize(values: pa.StringArray) -> Findings:
    """``street``: a word for street and a number, in either order; an East Asian address; or words, a house number
    and a postal code.
    ``street:name``: a street's name without a number."""
    word = matches(values, rf"(?i)(?:^|[\s,.\d])(?:{WORDS})(?:$|[\s,.\d:])") | matches(
        values, rf"(?i)\p{{L}}{{2,}}[ \-]?(?:{ENDINGS.rstrip('|')})(?:$|[\s,.\d])"
    )
    number = matches(values, _NUMBER)
    short = matches(values, SHORT) & ~matches(values, SENTENCE) & ~matches(values, "[@]|https?:")
    asian = matches(values, ASIAN) & matches(values, r"\p{Han}|\p{Hangul}|\p{Thai}|\p{Katakana}|\p{Hiragana}")
    asian &= matches(values, r"[\d一二三四五六七八九十]|[省都道府県市].+[路街区町]|[路街巷].{0,3}[座号室栋]$")
    whole = matches(values, WITH_CODE) & matches(values, r"\p{L}{3,}")
    return {"street": short & ((word & number) | asian | whole), "street:name": short & word & ~number}
