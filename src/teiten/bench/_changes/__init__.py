"""The suite of `teiten bench detect`: simulated counts with known changes, what is told of them, and other methods beside.

    world     usual traffic as cells, with its nuisances: rhythms, heavy sources, scanners' schedules, gaps, drifts
    kinds     the changes that are put in, with what is true of them
    faults    what the observer's own line does
    score     detections held against the truth
    peers     other methods, told apart by name: they answer detections as ours does
    work      one world with all that is asked of it, in a process of its own

It knows how cells and detections look (`detect.model`, `detect.view`), and nothing of how detections are made.
"""
