"""Do verdicts cry wolf, and do they see what is wrong? Fresh samples and planted faults, judged by whole reports.

    python -m benchmarks.verdicts --draws 15 --jobs 2                  # fresh samples of every population: hours
    python -m benchmarks.verdicts --faults all --draws 5               # planted faults, 1,000 and 2,000 people
    python -m benchmarks.verdicts --seeds 8                            # one triple a population under several seeds
    python -m benchmarks.verdicts --draws 2 --tables clinic,survey --level quick
    python -m benchmarks.verdicts --show --json benchmarks/results/verdicts.json

**Fresh**: three tables of other people from one population (`benchmarks.samples`); the second stands in for the
synthetic records. Green, or grey, is right in every question. **Faults** (`benchmarks.faults`): a fault in such a
table is seen where its question is amber or red. **Seeds**: the same triple, judged under several seeds.

Each report is one line of a file (`--log`), written as soon as it is there: stop at any time and start again. Lines
of another state of shd/compare are left alone. `--json` keeps what README shows.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import time
import warnings
import zlib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress
from scipy.stats import binomtest

import shd
from benchmarks.faults import FAULTS
from benchmarks.samples import POPULATIONS

LOG = Path("verdicts.jsonl")
RESULTS = Path(__file__).parent / "results" / "verdicts.json"
QUESTIONS = ("fidelity", "utility", "privacy", "fairness")
SIZES = (1000, 2000)  # people in tables with a fault
HOSTS = ("clinic", "marriages")
"""Populations that faults are planted in: one simulated, one real."""
_CLEAN, _SEEN = ("green", "grey", None), ("amber", "red")


@dataclass(frozen=True)
class Job:
    """One report to ask for: what is judged, under which seed, at which level."""

    kind: str
    table: str
    draw: int
    seed: int = 0
    fault: str = ""
    people: int = 0
    level: str = "full"

    def run(self) -> dict:
        """Ask for the report, and return its verdicts, what was not clean, and what the checks found."""
        population = next(p for p in POPULATIONS if p.name == self.table)
        triple = population.triple(self.draw, self.people or None)
        if self.fault:
            fault = next(f for f in FAULTS if f.name == self.fault)
            triple = fault.plant(triple, np.random.default_rng([zlib.crc32(fault.name.encode()), self.draw]))
        train, made, holdout = triple
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = shd.compare(train, made, holdout=holdout, random_state=self.seed, level=self.level)
        scores = [[s.question, s.metric, s.verdict] for s in report.results if s.verdict not in _CLEAN]
        found = {"verdicts": report.verdicts, "scores": scores, "findings": [f.code for f in report.findings]}
        return asdict(self) | found | {"seconds": round(time.process_time() - began, 1), "code": state()}


def state() -> str:
    """Return a checksum of the code that judges."""
    files = sorted(Path(shd.__file__).parent.joinpath("compare").rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def jobs(chosen: argparse.Namespace) -> list[Job]:
    """Return every report that was asked for."""
    tables = chosen.tables.split(",") if chosen.tables else [p.name for p in POPULATIONS]
    draws = range(chosen.first, chosen.first + chosen.draws)
    if chosen.faults:
        names = [f.name for f in FAULTS if chosen.faults == "all" or f.question in chosen.faults.split(",")]
        hosts = [name for name in tables if name in HOSTS] if chosen.tables else HOSTS
        return [
            Job("fault", host, draw, fault=name, people=people, level=chosen.level)
            for draw in draws
            for people in SIZES
            for host in hosts
            for name in names
        ]
    if chosen.seeds:
        return [
            Job("seeds", name, chosen.first, seed=seed, level=chosen.level)
            for seed in range(chosen.seeds)
            for name in tables
        ]
    return [Job("fresh", name, draw, level=chosen.level) for draw in draws for name in tables]


def ask(wanted: list[Job], log: Path, workers: int) -> None:
    """Ask for what is not in the log yet, and write each answer down."""
    fields, done = list(Job.__dataclass_fields__), read(log)
    there = {tuple(line[name] for name in fields) for line in done}
    left = [job for job in wanted if tuple(asdict(job).values()) not in there]
    os.environ.update(OMP_NUM_THREADS="1", SHD_PROGRESS=os.environ.get("SHD_PROGRESS", "1"))
    with (
        multiprocessing.get_context("spawn").Pool(workers, initializer=_quietly) as pool,
        Progress() as bars,
        log.open("a", encoding="utf-8") as file,
    ):
        judging = bars.add_task("judging", total=len(left))
        for line in pool.imap_unordered(Job.run, left):
            file.write(json.dumps(line) + "\n")
            file.flush()
            bars.advance(judging)


def _quietly() -> None:
    os.environ["SHD_PROGRESS"] = "0"


def read(log: Path) -> list[dict]:
    """Return the lines of a log that the code as it is wrote."""
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines()) if log.is_file() else []
    return [line for line in lines if line["code"] == state()]


def summary(lines: list[dict]) -> dict:
    """Return what the log says: false alarms by population, what caused them, faults seen, and verdicts by seed."""
    fresh, faults, seeds = ([x for x in lines if x["kind"] == kind] for kind in ("fresh", "fault", "seeds"))
    levels = sorted({line["level"] for line in lines})
    return {
        "level": " and ".join(levels),
        "fresh": [_alarms(p.name, p.trait, [x for x in fresh if x["table"] == p.name]) for p in POPULATIONS],
        "all": _alarms("all", "", fresh),
        "causes": _causes(fresh),
        "findings": dict(Counter(code for line in fresh for code in set(line["findings"])).most_common()),
        "faults": [
            _seen(fault, people, [x for x in faults if (x["fault"], x["people"]) == (fault.name, people)])
            for fault in FAULTS
            for people in SIZES
        ],
        "seeds": [_by_seed(p.name, [x for x in seeds if x["table"] == p.name]) for p in POPULATIONS],
    }


def _alarms(name: str, trait: str, lines: list[dict]) -> dict:
    alarms = {q: sum(line["verdicts"][q] not in _CLEAN for line in lines) for q in QUESTIONS}
    grey = {q: sum(line["verdicts"][q] == "grey" for line in lines) for q in QUESTIONS}
    clean = sum(all(verdict in _CLEAN for verdict in line["verdicts"].values()) for line in lines)
    return {"table": name, "trait": trait, "draws": len(lines), "alarms": alarms, "grey": grey, "all clean": clean}


def _causes(lines: list[dict]) -> dict[str, dict[str, int]]:
    """Count in how many reports each score was amber or red, by question, the most frequent first."""
    count = Counter(
        (q, metric.split(":")[0]) for line in lines for q, metric, _ in sorted({tuple(s) for s in line["scores"]})
    )
    return {q: {metric: n for (of, metric), n in count.most_common() if of == q} for q in QUESTIONS}


def _seen(fault: "FAULTS", people: int, lines: list[dict]) -> dict:
    verdicts = [line["verdicts"][fault.question] for line in lines]
    seen, grey = sum(v in _SEEN for v in verdicts), sum(v == "grey" for v in verdicts)
    by = Counter(
        m.split(":")[0] for line in lines for m in sorted({s[1] for s in line["scores"] if s[0] == fault.question})
    )
    about = {"fault": fault.name, "question": fault.question, "people": people}
    return about | {"tried": len(lines), "seen": seen, "grey": grey, "by": dict(by.most_common(3))}


def _by_seed(name: str, lines: list[dict]) -> dict:
    return {"table": name, "verdicts": {q: dict(Counter(str(x["verdicts"][q]) for x in lines)) for q in QUESTIONS}}


def share(found: int, of: int) -> str:
    """Return a share with its 95 % interval (Clopper and Pearson)."""
    if not of:
        return "–"
    low, high = binomtest(found, of).proportion_ci()
    return f"{found / of:.1%} ({low:.1%} to {high:.1%})"


def tables(found: dict) -> str:
    """Return what was found as Markdown."""
    rows = [row for row in found["fresh"] if row["draws"]]
    parts = []
    if rows:
        parts.append(_fresh_table(rows, found))
    tried = [row for row in found["faults"] if row["tried"]]
    if tried:
        parts.append(_fault_table(tried))
    kept = [row for row in found["seeds"] if row["verdicts"][QUESTIONS[0]]]
    if kept:
        parts.append(_seed_table(kept))
    return "\n\n".join(parts)


def _fresh_table(rows: list[dict], found: dict) -> str:
    whole = found["all"]
    lines = [
        f"Fresh samples, {whole['draws']} reports at the {found['level']} level. Not green (or grey) they are in",
        "",
        *_head("population", "what makes it hard", "reports", *QUESTIONS),
        *(_line(r["table"], r["trait"], r["draws"], *(r["alarms"][q] for q in QUESTIONS)) for r in rows),
        _line("**all**", "", whole["draws"], *(share(whole["alarms"][q], whole["draws"]) for q in QUESTIONS)),
        "",
        f"Nothing but green and grey in all questions: {share(whole['all clean'], whole['draws'])}.",
    ]
    causes = [f"`{m}` {n}" for q in QUESTIONS for m, n in list(found["causes"][q].items())[:4]]
    if causes:
        lines.append(f"What gave the alarm, and in how many reports: {', '.join(causes)}.")
    if found["findings"]:
        lines.append(f"Method checks that spoke: {', '.join(f'{c} in {n}' for c, n in found['findings'].items())}.")
    return "\n".join(lines)


def _fault_table(rows: list[dict]) -> str:
    by_name: dict[str, dict[int, dict]] = {}
    for row in rows:
        by_name.setdefault(row["fault"], {})[row["people"]] = row
    sizes = sorted({row["people"] for row in rows})
    lines = _head("fault", "question", *(f"seen, {n:,} people" for n in sizes), *(f"grey, {n:,}" for n in sizes), "by")
    for name, row in by_name.items():
        first = next(iter(row.values()))
        by = Counter()
        for one in row.values():
            by.update(one["by"])
        seen = [f"{row[n]['seen']} of {row[n]['tried']}" if n in row else "–" for n in sizes]
        grey = [row[n]["grey"] if n in row else "–" for n in sizes]
        lines.append(_line(name, first["question"], *seen, *grey, ", ".join(f"`{m}`" for m, _ in by.most_common(3))))
    return "\n".join(["Planted faults: seen is amber or red in the question that it belongs to.", "", *lines])


def _seed_table(rows: list[dict]) -> str:
    def counts(verdicts: dict[str, int]) -> str:
        return ", ".join(f"{name} {n}" for name, n in sorted(verdicts.items()))

    body = [_line(row["table"], *(counts(row["verdicts"][q]) for q in QUESTIONS)) for row in rows]
    return "\n".join(["One triple, several seeds.", "", *_head("population", *QUESTIONS), *body])


def _head(*names: str) -> list[str]:
    return [_line(*names), "|" + " --- |" * len(names)]


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Ask for the reports, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", help="populations, with commas; all by default")
    parser.add_argument("--draws", type=int, default=5, help="triples a population")
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--faults", help="all, or questions with commas: plant their faults")
    parser.add_argument("--seeds", type=int, default=0, help="judge one triple a population under so many seeds")
    parser.add_argument("--level", choices=["full", "quick"], default="full")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--log", type=Path, default=LOG, help="file of the single reports")
    parser.add_argument("--json", type=Path, help="keep what README shows in a file")
    parser.add_argument("--show", action="store_true", help="ask for nothing; show what the log holds, or README shows")
    chosen = parser.parse_args()
    unknown = set((chosen.tables or POPULATIONS[0].name).split(",")) - {p.name for p in POPULATIONS}
    if unknown:
        parser.error(f"no population {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in POPULATIONS)}")
    if not chosen.show:
        ask(jobs(chosen), chosen.log, chosen.jobs)
    kept = chosen.show and not chosen.log.is_file() and RESULTS.is_file()
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if kept else summary(read(chosen.log))
    print(tables(found))
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")
        print(chosen.json)


if __name__ == "__main__":
    main()
