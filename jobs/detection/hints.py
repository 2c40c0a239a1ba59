"""What a column's name says it holds, in several languages. Names can lie: they settle only what content leaves open.

Names are split at case changes and punctuation: ``KundenEMail``, ``kunden_e_mail`` and ``kunden.email`` are alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from jobs.configuration.column_path import ColumnPath, Field
from jobs.detection import path_hints, trait_words

WORDS: dict[str, str] = {
    "email": (
        r"e mail|email|mail|emails|e mails|correo|courriel|posta elettronica|mailadresse|eposta|e posta|epost|"
        r"メール|邮箱|почта"
    ),
    "phone": (
        r"phone|phones|telephone|tel|telefon|telefone|telefono|mobile|mobil|cell|cellphone|handy|msisdn|fax|gsm|"
        r"puhelin|portable|celular|movil|telefoonnummer|telefonnummer|telefonnr|rufnummer|handynummer|телефон|電話|"
        r"电话|手机|전화"
    ),
    "person_name": (
        r"name of person|full name|fullname|first name|firstname|last name|lastname|given name|family name|surname|"
        r"forename|middle name|maiden|maiden name|birth name|fname|lname|vorname|nachname|familienname|"
        r"geburtsname|prenom|nom|nombre|apellidos?|nome|cognome|sobrenome|apelido|voornaam|achternaam|fornavn|"
        r"etternavn|efternavn|fornamn|efternamn|etunimi|sukunimi|imie|nazwisko|jmeno|prijmeni|keresztnev|vezeteknev|"
        r"ad soyad|soyad|isim|имя|фамилия|отчество|氏名|姓名|이름|customer name|contact name|contact person|"
        r"employee name|patient name|account holder|cardholder|card holder|holder name|recipient|"
        r"beneficiary|doctor|ansprechpartner"
    ),
    "user_name": (
        r"user names?|usernames?|login|login name|handle|screen name|screenname|nick|nickname|benutzername|"
        r"nutzername|nom utilisateur|nom d utilisateur|nombre de usuario|nome utente|gebruikersnaam|anvandarnamn"
    ),
    "licence_plate": (
        r"licen[cs]e plates?|licenceplate|licenseplate|licen[cs]e plate (?:no|number)|number plate|plate no|"
        r"plate number|reg plate|vrm|vehicle registration|vehicle reg|kfz kennzeichen|kennzeichen|"
        r"plaque immatriculation|immatriculation|matricula|targa|kenteken|номерной знак|госномер|車両番号|车牌"
    ),
    "passport": (
        r"passport|passport no|passport number|passports|mrz|reisepass|passnummer|pass nr|reisepassnummer|"
        r"numero passeport|passeport|pasaporte|passaporto|paspoort|paspoortnummer|passaporte|paszport|паспорт|"
        r"パスポート|护照"
    ),
    "street": (
        r"street|street name|street address|address line|address line ?\d|address ?\d|addr|addr ?\d|strasse|str|"
        r"hausnummer|rue|calle|via|rua|straat|gata|ulica|utca|sokak|adresse|address|adres|direccion|endereco|"
        r"indirizzo|adress|osoite|улица|адрес|住所|地址|주소"
    ),
    "postal_code": (
        r"zip|zip ?code|zipcode|postal ?code|postcode|post code|plz|postleitzahl|code postal|codigo postal|cep|cap|"
        r"postnummer|postnr|kod pocztowy|psc|iranyitoszam|postinumero|индекс|郵便番号|邮编|우편번호"
    ),
    "city": (
        r"city|town|ort|stadt|wohnort|ville|commune|ciudad|localidad|citta|comune|cidade|plaats|woonplaats|stad|"
        r"miasto|mesto|varos|kaupunki|sehir|ilce|город|市|城市|place of birth|birth place|birthplace|geburtsort"
    ),
    "birth_date": (
        r"birth ?date|date of birth|dob|birthday|birthdate|born|born on|geburtsdatum|geburtstag|geb datum|gebdat|"
        r"date naissance|date de naissance|fecha nacimiento|fecha de nacimiento|data nascita|data di nascita|"
        r"data nascimento|data de nascimento|geboortedatum|fodselsdato|fodelsedatum|data urodzenia|datum narozeni|"
        r"szuletesi datum|dogum tarihi|syntymaaika|дата рождения|生年月日|出生日期|생년월일|birth year|"
        r"year of birth|geburtsjahr"
    ),
    "iban": (
        r"iban|bank account|account number|account no|kontonummer|konto nr|bankverbindung|numero de compte|"
        r"cuenta bancaria"
    ),
    "payment_card": (
        r"card number|card no|cardnumber|credit card|creditcard|pan|cc number|cc no|kreditkarte|kreditkartennummer|"
        r"carte bancaire|numero de carte|tarjeta|cartao|debit card"
    ),
    "national_id": (
        r"ssn|social security|social security number|national id|nationalid|nid|tax id|tin|taxpayer id|"
        r"id number|id card|identity card|personal number|personal id|personnummer|"
        r"fodselsnummer|cpr|hetu|pesel|nip|rodne cislo|cnp|egn|oib|jmbg|dni|nif|nie|cpf|rg|curp|rfc|cuit|rut|bsn|"
        r"nino|nhs|nhs number|insee|nir|securite sociale|numero securite sociale|codice fiscale|steuer id|"
        r"steuernummer|sozialversicherungsnummer|ahv|svnr|aadhaar|tckn|tc kimlik|inn|snils|снилс|инн|"
        r"my number|マイナンバー|身份证|주민등록번호|driver license|drivers license|driving licence|license number|"
        r"fuhrerschein|personalausweis|ausweisnummer"
    ),
    "ip": r"ip|ip address|ipaddress|ip addr|ipv4|ipv6|client ip|remote addr|remote ip|source ip|user ip",
    "mac": r"mac|mac address|macaddress|mac addr|bssid|wifi mac",
    "url_user_data": r"profile url|callback url|avatar url|homepage",
    "device_id": (
        r"device id|deviceid|idfa|idfv|gaid|aaid|advertising id|ad id|cookie|cookie id|client id|visitor id|"
        r"session id|sessionid|session|installation id|imei|imsi|android id|udid|fingerprint|token|push token|"
        r"tracking id|anonymous id"
    ),
    "latitude": r"lat|latitude|latitud|breitengrad|breite|geo lat|gps lat",
    "longitude": r"lon|lng|long|longitude|longitud|langengrad|geo lon|gps lon|geo lng",
    "coordinates": (
        r"geo|gps|coordinates|coords|location|geolocation|latlon|lat lon|geo point|geopoint|position|koordinaten"
    ),
    "free_text_person": (
        r"notes?|comments?|remarks?|memo|description of case|bemerkung|notiz|kommentar|commentaire|observaciones|"
        r"message|feedback|complaint|transcript|anmerkung|gift note"
    ),
    "person_key": (
        r"(?:customer|client|cust|user|person|patient|member|employee|emp|subscriber|account|acct|contact|student|"
        r"citizen|donor|subject|policy ?holder|insured|driver|guest|passenger|kunden?|personal|benutzer|mitarbeiter|"
        r"mitglied|patienten|cliente|usuario|usager|klant|kund)(?: id| no| nr| num| number| key| code| nummer| ref|"
        r" uuid| guid| sk| pk)|kundennummer|kundennr|personalnummer|mitgliedsnummer|patientennummer|loyalty id|"
        r"mrn|medical record(?: id| no| nr| number)?|(?:insurance|beneficiary|medicare|medicaid|health plan)(?: id| no|"
        r" nr| number)|versicherten ?(?:nummer|nr)|versicherungs ?(?:nummer|nr)|kvnr|loyalty number|loyalty card|"
        r"login id|userid|uid"
    ),
    "gender": (
        r"gender|sex|geschlecht|sexe|sexo|sesso|kon|plec|pohlavi|nem|cinsiyet|sukupuoli|пол|性別|性别|성별|"
        r"salutation|anrede"
    ),
    "age": r"age|alter|edad|eta|idade|leeftijd|alder|wiek|vek",
    "sensitive": (
        r"religion|religious|ethnicity|ethnic group|race|diagnosis|diagnose|icd|icd10|icd code|disease|illness|"
        r"disability|health|medication|blood type|blood group|hiv|pregnan\w+|sexual orientation|political|"
        r"party membership|trade union|union|criminal|conviction|salary|gehalt|income|wage|einkommen|lohn|salaire|"
        r"kontostand|saldo|salario|credit score|score|balance|debt|iq|gpa|biometric"
    ),
    "quasi": (
        r"nationality|citizenship|marital|marital status|occupation|job|job title|profession|beruf|education|degree|"
        r"employer|language|country of birth|birth country|country|land|region|state|province|bundesland|household|"
        r"children|user agent|useragent|browser|ethnos|zivilstand|familienstand"
    ),
}
_PATTERNS = {kind: re.compile(rf"(?:^| )(?:{words})(?: |$)") for kind, words in WORDS.items()}
_EXCEPT = {
    "person_name": re.compile(
        r"\b(?:product|file|host|domain|table|column|company|brand|event|campaign|app|shop|store|field|class)\b"
    ),
    "email": re.compile(r"\b(?:template|subject|opt|optin|status|count|sent|verified|type|date|flag)\b"),
    "phone": re.compile(r"\b(?:type|model|brand|count|verified|os|flag)\b"),
    "street": re.compile(r"\b(?:ip|mac|type|mail|email|web)\b"),
    "birth_date": re.compile(r"\b(?:place|country|city)\b"),
    "ip": re.compile(r"\b(?:count|version)\b"),
}


def of(path: ColumnPath, table: str = "") -> tuple[str, ...]:
    """The kinds that a column's name hints at, the last part of its path first; kinds of parts above come after.
    table: its name, which may say whose ids it holds."""
    names = [step.name for step in path.steps if isinstance(step, Field)]
    last = _kinds(names[-1]) if names else []
    above = [kind for name in names[-2::-1] for kind in _kinds(name) if kind == "person_name"] if not last else []
    spoken = [words(name) for name in names]
    by_way = path_hints.of(spoken, words(own_name(table)), _traits(names))
    return tuple(dict.fromkeys([*last, *by_way, *_flattened(names), *above]))


def _flattened(names: Sequence[str]) -> list[str]:
    """What the way says where it was made one name: ``name_0_family``, ``name.family``, ``subjectReference``."""
    text = words(".".join(names))
    parts = [word for word in text.split() if not word.isdigit()]
    if len(parts) < 2 or len(parts) == len(names):
        return []
    ways = [parts, *([[" ".join(parts[:-1]), parts[-1]]] if len(parts) > 2 else [])]
    return [kind for kind in path_hints.of_flat(ways) if kind not in _EXCEPT or not _EXCEPT[kind].search(text)]


def own_name(table: str) -> str:
    """A table's name without the way to it, and without the count that parts namesakes: ``customers_2``."""
    name = table.rpartition(".")[2]
    return re.sub(r"_\d+$", "", name) or name


def _traits(names: Sequence[str]) -> dict[str, list[str]]:
    return {words(name): _kinds(name) for name in names[:-1]}


def _kinds(name: str) -> list[str]:
    either = texts(name)
    found = [kind for kind, pattern in _PATTERNS.items() if any(map(pattern.search, either))]
    found = [kind for kind in found if kind not in _EXCEPT or not any(map(_EXCEPT[kind].search, either))]
    whole = [kind for kind, pattern in trait_words.PATTERNS.items() if any(map(pattern.fullmatch, either))]
    return list(dict.fromkeys([*found, *whole]))


def texts(name: str) -> tuple[str, ...]:
    """A column's name as words, and without the numbers at their ends: ``phone1``, ``ssn4``."""
    text = words(name)
    return tuple(dict.fromkeys([text, re.sub(r"([^\W\d_])\d+\b", r"\1", text)]))


def words(name: str) -> str:
    """A column's name as words in lower case, without accents."""
    split = re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.replace("ß", "ss"))
    plain = unicodedata.normalize("NFKD", split)
    plain = "".join(c for c in plain if not unicodedata.combining(c) or (not plain.isascii() and ord(c) > 0x36F))
    return " ".join(re.split(r"[\W_]+", unicodedata.normalize("NFC", plain).lower())).strip()
