import csv,subprocess,sys,time
from pathlib import Path
from zoneinfo import ZoneInfo
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0,'/tmp/dev4/src')
from teiten import readers
from teiten.readers import _input
from teiten.readers._base import ReadOptions
from teiten.settings import Reading
from teiten.frame import addresses_as_text
import polars as pl
ROOT=Path('/work/shared/data/packets')
opt=ReadOptions(zone=ZoneInfo('UTC'))
rows=list(csv.DictReader(open(ROOT/'INDEX.csv')))
only=sys.argv[1:]
bad=Counter(); kinds=Counter()
res={}
for r in rows:
    if only and not any(o in r['file'] for o in only): continue
    p=ROOT/r['file']
    src=_input.inputs([str(p)],Reading())[0]
    try: m=readers.pick(src.head(),'auto',str(p))
    except Exception as e:
        print('PICK',r['file'],r['capinfos_type'],r['packets'],e); continue
    if m.NAME!='capture': print('NOTCAP',r['file'],m.NAME,r['capinfos_type']); continue
    n=0; c=Counter(); notes=[]; ev=[]
    for ch in m.read(src,opt):
        n+=len(ch.outcome)
        for o in ch.outcome.tolist(): c[m.REASONS.get(o) or m.KINDS.get(o) or 'event']+=1
        notes+=ch.notes
        ev.append((ch.events,ch.event_line,n-len(ch.outcome)))
        assert (ch.outcome==0).sum()==ch.events.height
    kinds.update(c)
    want=r['packets']
    got=n-c.get('impossible record length',0)
    if want!=str(got): print('COUNT',r['file'],'index',repr(want),'got',got,dict(c),notes,r['capinfos_type'],r['encapsulation'])
    elif notes and only: print('note',r['file'],notes)
print(kinds)
