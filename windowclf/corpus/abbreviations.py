"""English abbreviations that are written with a full stop, for the tokenizer and the sentence splitter.

Abbreviations of single letters ("e.g.", "U.S.", "J.") are recognised by their form and are not listed here.
"""

# Before a name or a number: a sentence never ends there.
TITLES = frozenset(
    """
    Adm Atty Brig Capt Cmdr Col Cpl Det Dr Fr Ft Gen Gov Hon Insp Lt Maj Messrs Mlle Mme Mmes Mr Mrs Ms Msgr
    Mt Nos Pfc Pres Prof Pvt Rep Reps Rev Sen Sens Sgt Ste Supt Vol Vols eds pp vol vols
    """.split()
)

# May stand at the end of a sentence too.
_OTHERS = frozenset(
    """
    Apr Aug Ave Bancorp Bhd Blvd Bros Cf Cie Co Corp Dec Dept Dist Ed.D Eng Esq Est Feb Fig Figs Hwy Inc Jan
    Jr Jul Jun Ltd M.Sc Mfg Nov Oct Ph.D Pty Rd Sec Sept Sep Sr St Thu Thurs Tue Tues Univ Wed al approx bldg
    ca cf corp dept e.g esp est etc ext i.e inc incl ltd resp viz vs
    Ala Ariz Ark Calif Colo Conn Dak Del Fla Ga Ind Kan Ky Mass Md Mich Minn Mont Neb Nev Okla Ont Ore Pa
    Que Tenn Tex Va Vt Wis Wyo
    """.split()
)

ABBREVIATIONS = TITLES | _OTHERS

# Words that, with a capital letter after an abbreviation, show that a new sentence begins.
OPENERS = frozenset(
    """
    A According After Although And As At Because But By During For Four From He Her His How However If In It
    Its Many Meanwhile Most My No On Our She So Some That The Their Then There These They This Those Though
    Today Two Under Was We What When Where Which While Who Why With Yes Yesterday You Your
    """.split()
)
