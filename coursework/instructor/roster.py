"""The roster: who is in the course, from Canvas's, Moodle's or Gradescope's tables, and who handed in what."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from ..checker.texts import plain_text, source_text

# What the columns are called, in lower case and without signs.
_NAME = ("student", "name", "fullname", "studentname", "vollstandigername")
_FIRST, _LAST = ("firstname", "givenname", "vorname"), ("lastname", "surname", "familyname", "nachname")
_EMAIL = ("email", "emailaddress", "mail", "emailadresse")
_IDS = (
    "id",
    "sid",
    "studentid",
    "sisuserid",
    "sisloginid",
    "idnumber",
    "identifier",
    "username",
    "login",
    "githubusername",
    "matrikelnummer",
)
_MOST = 10_000_000  # bytes


@dataclass(frozen=True)
class Student:
    """A student, as far as anything is known.

    Attributes
    ----------
    name, email : str
    ids : tuple of str
        All numbers and user names.
    number : str
        The one by which `system` knows the student.
    system : str
        The course system that delivered the submission.
    fields : dict of str to str
        The row of the roster, by the names of its columns.
    """

    name: str = ""
    email: str = ""
    ids: tuple = ()
    number: str = ""
    system: str = ""
    fields: dict = field(default_factory=dict, compare=False)


def read_roster(path):
    """The students in a table (list of Student), in its order.

    Parameters
    ----------
    path : str or Path
        A CSV file with columns for a name, an id or an e-mail address, as Canvas, Moodle and Gradescope export them.

    Raises
    ------
    ValueError
        It has no such column, or no student.
    """
    path = Path(path)
    if path.stat().st_size > _MOST:
        raise ValueError(f"roster {path}: {path.stat().st_size:,} bytes is too large for a table of students")
    data = path.read_bytes()
    text = source_text(data) if _is_unicode(data) else data.decode("cp1252", errors="replace")
    lines = text.splitlines()
    delimiter = max(",;\t", key=(lines or [""])[0].count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = [title.strip() for title in rows[0]] if rows else []
    keys = [_key(title) for title in header]
    if not any(key in (*_NAME, *_FIRST, *_LAST, *_EMAIL, *_IDS) for key in keys):
        raise ValueError(
            f"roster {path}: none of its columns ({', '.join(map(plain_text, header[:6])) or 'none'}) is a name, an id "
            "or an e-mail address; the first line must name the columns, such as name,id,email"
        )
    students = []
    for row in rows[1:]:
        row = [cell.strip() for cell in row]
        student = _student(dict(zip(header, row)), dict(zip(keys, row)), list(zip(keys, row)))
        known = student.name or student.email or student.ids
        if known and _key(student.name) not in ("pointspossible", "studenttest", "teststudent"):
            students.append(student)
    if not students:
        raise ValueError(f"roster {path}: it names no student; expected a line for each below the first")
    return students


def _is_unicode(data):
    try:
        source_text(data).encode()
    except UnicodeEncodeError:  # surrogates: what is not UTF-8
        return False
    return True


def _student(fields, by_key, pairs):
    first = next((by_key[key] for key in _FIRST if by_key.get(key)), "")
    last = next((by_key[key] for key in _LAST if by_key.get(key)), "")
    name = next((by_key[key] for key in _NAME if by_key.get(key)), "") or f"{first} {last}".strip()
    email = next((by_key[key] for key in _EMAIL if by_key.get(key)), "")
    ids = []
    for key, value in pairs:
        if key in _IDS and value:
            ids.append(value)
            if key == "identifier":  # Moodle's: Participant 1234567
                ids += participant(value)
    return Student(name, email, tuple(dict.fromkeys(ids)), fields=fields)


def participant(number):
    """A student's number in one of Moodle's assignments as ids; it is no number of the university's."""
    return tuple(f"Participant {digits}" for digits in re.findall(r"\d+$", number))


def match(roster, submissions):
    """Who on the roster handed in which submissions.

    By number or user name, then e-mail address, name, and the first part of the address; only where that means one
    student.

    Parameters
    ----------
    roster : list of Student
    submissions : dict of str to Submission

    Returns
    -------
    dict of str to int
        For each submission of somebody on the roster, the place there.
    """
    found = {}
    tables = [_table(roster, keys) for keys in (_id_keys, _email_keys, _name_keys, _login_keys)]
    for name, submission in submissions.items():
        for table, words in zip(tables, _words_of(name, submission.student)):
            places = {place for word in words for place in table.get(word, ())}
            if len(places) == 1:
                found[name] = places.pop()
                break
            if places:  # two students of one name: a guess would give one the other's points
                break
    return found


def _table(roster, keys):
    table = {}
    for place, student in enumerate(roster):
        for key in keys(student):
            table.setdefault(key, set()).add(place)
    return table


def _id_keys(student):
    return {i.casefold() for i in student.ids}


def _email_keys(student):
    return {student.email.casefold()} - {""}


def _login_keys(student):
    return {student.email.casefold().partition("@")[0]} - {""}


def _name_keys(student):
    """The words of a name in any order, and all in one, as Canvas writes them."""
    words = _name_words(student.name)
    return {" ".join(sorted(words)), "".join(words), "".join([*words[-1:], *words[:-1]])} - {""}


def _words_of(name, student):
    """What to look for in each of the tables."""
    ids, emails, logins = list(_id_keys(student)), list(_email_keys(student)), list(_login_keys(student))
    names = [*_name_keys(student), *(_name_keys(Student(name)) if not student.name else ())]
    if not student.system:  # a row's name, such as a folder's, may be a number, a user or an address, or hold a number
        plain = name.casefold()
        ids += [plain, *(word for word in re.split(r"[-_ ]", plain) if re.search(r"\d", word))]
        emails.append(plain)
        logins += [plain, *_id_keys(student)]
    return ids, emails, names, logins


def _name_words(name):
    """The words of a name without accents, in the order first name, last name."""
    if "," in name:
        last, _, first = name.partition(",")
        name = f"{first} {last}"
    plain = unicodedata.normalize("NFKD", name).casefold().replace("ß", "ss")
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def _key(title):
    """A column's name without what varies: "E-mail address" -> emailaddress."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    return re.sub(r"[^a-z0-9]", "", plain)
