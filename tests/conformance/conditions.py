"""Random filters over the columns that the tables of random scans have."""


def random_condition(rng, rows, more=lambda rng: [], depth=0):
    """A filter of one condition or some, joined. `more(rng)` gives conditions over columns that not every table has."""
    if depth < 3 and rng.random() < 0.5:
        left, right = (random_condition(rng, rows, more, depth + 1) for _ in range(2))
        return f"({left} {rng.choice(['AND', 'OR'])} {right})"
    condition = rng.choice(
        [
            f"id {rng.choice(['<', '>=', '<>'])} {rng.randrange(rows)}",
            f"id % {rng.randrange(1, 30)} = 0",
            f"n BETWEEN {rng.randrange(-50, 0)} AND {rng.randrange(50)}",
            f"n = {rng.randrange(-40, 40)}",
            f"n IN ({', '.join(str(rng.randrange(-50, 50)) for _ in range(rng.randrange(1, 9)))})",
            f"f > {rng.randrange(-10, 10)}.25",
            f"Text = '{rng.choice(['a', 'bb', 'cccccc', ''])}'",
            f"Text LIKE '%{rng.choice('abcü')}%'",
            f"st.x >= {rng.randrange(-50, 50)}",
            f"length(st.y) > {rng.randrange(5)}",
            f"`sp ace` <> {rng.randrange(-50, 50)}",
            f"{rng.choice(['n', 'Text', 'st.y', 'l'])} IS {rng.choice(['', 'NOT '])}NULL",
            *more(rng),
        ]
    )
    return f"NOT ({condition})" if rng.random() < 0.2 else condition
