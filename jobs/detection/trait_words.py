"""How columns of traits are called where they hold codes or a yes and no: names of surveys, censuses and registers.

Each is the whole name, but for a number or IPUMS' ``d`` behind it (``educd``, ``occ2010``): in longer names such short
words mean something else.
"""

from __future__ import annotations

import re

WHOLE: dict[str, str] = {
    "national_id": "drivers",
    "gender": (
        "female|male|is female|is male|fem|femme|homme|masculin|feminin|mujer|hombre|masculino|femenino|weiblich|"
        "mannlich|maennlich|geschl|gender code|sex code|riagendr|woman|man"
    ),
    "age": "agep|ridageyr|altersgruppe|age group|age band|agegrp|tranche age|grupo edad|rango edad|ageyrs|age years",
    "sensitive": (
        "raced?|ethn|ethnic|ethnicity code|etnia|origine ethnique|konfession|religion code|relig|inctot|ftotinc|"
        "incwage|incbus|incss|incwelfr|incinvst|incretir|incsupp|incother|incearn|hhincome|poverty|povstat|pincp|wagp|"
        "indfmpir|capital gain|capital loss|vetdisab|disabl?|disabwrk|diff(?:rem|phys|mob|care|sens|eye|hear)|"
        "discapacidad|schwerbehindert|behinderung|handicap|hcov\\w{2,4}|hins\\w{3,5}|foodstmp|smoker|smoke|diabetic|"
        "pregnant|nonwhite|black|white|asian|diagnostic|diagnostico|union|religion|orientation sexuelle"
    ),
    "quasi": (
        "hispan|hispanic|latino|ridreth|educ|edu|edlevel|education num|educational level|schooling|yrseduc|dmdeduc|"
        "gradeatt|degfield|schl|school|marst|marstat|married|mar|single|divorced|widowed|marital stat|dmdmartl|"
        "occ|occsoc|occp|occscore|soc|isco|ind|indnaics|indp|naics|classwkr|workclass|cow|esr|empstat|labforce|"
        "employed|unemployed|uhrswork|wkswork|wrklstwk|hours per week|hoursw|exper|experience|tenure|bpl|birthpl|"
        "nativity|foreign born|pobp|ancestr|anc|citizen|cit|yrnatur|yrimmig|yrsusa|immigrant|migrate|mig|languaged?|"
        "lanp|speakeng|eng|vetstat|veteran|mil|famsize|nchild|nchlt|eldch|yngch|nsibs|numdep|dependents|kids|"
        "related?|relp|relationship|parentesco|multgen|fertyr|statefip|countyfip|county|fips|puma|migpuma|pwstate|"
        "metro|msa|smsa|district|urban|rural|native country|ownershp|pernum|hhsize|household size|"
        "famst|fam stand|staatsang|staatsangehorigkeit|nationalitat|bildung|schulabschluss|ausbildung|berufsgruppe|"
        "erwerbsstatus|haushaltsgrosse|migrationshintergrund|kinderzahl|anzahl kinder|geburtsland|gemeinde|kreis|"
        "csp|pcs|etat civil|etat matrimonial|situation familiale|nationalite|diplome|niveau etudes?|"
        "nb enfants|nombre enfants|lieu naissance|pays naissance|departement|taille menage|metier|"
        "estado civil|nacionalidad|nivel estudios|nivel educativo|educacion|ocupacion|profesion|lugar nacimiento|"
        "pais nacimiento|num hijos|numero hijos|provincia|comunidad autonoma|municipio|empleo"
    ),
}
PATTERNS = {kind: re.compile(rf"(?:{words})[ d]?\d{{0,4}}") for kind, words in WHOLE.items()}
