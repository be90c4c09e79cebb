import csv,subprocess,sys,datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo
from collections import Counter,defaultdict
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0,'/tmp/dev4/src')
from teiten import readers
from teiten.readers import _input
from teiten.readers._base import ReadOptions
from teiten.settings import Reading
from teiten.frame import addresses_as_text
ROOT=Path('/work/shared/data/packets'); OUT=Path('/tmp/tsout'); OUT.mkdir(exist_ok=True)
F="frame.number frame.time_epoch frame.protocols ip.src ip.dst ip.proto ip.ttl ip.id ip.len ip.flags.rb ip.flags.df ip.flags.mf ip.frag_offset ipv6.src ipv6.dst ipv6.hlim ipv6.plen ipv6.fraghdr.offset ipv6.fraghdr.more tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.flags tcp.window_size_value tcp.hdr_len udp.srcport udp.dstport udp.length icmp.type icmp.code icmpv6.type icmpv6.code sctp.srcport sctp.dstport ip.hdr_len".split()
def tshark(f):
    o=OUT/(f.replace('/','_')+'.tsv')
    if not o.exists():
        cmd=['tshark','-n','-r',str(ROOT/f),'-o','ip.defragment:FALSE','-o','ipv6.defragment:FALSE','-o','tcp.desegment_tcp_streams:FALSE','-o','tcp.relative_sequence_numbers:FALSE','-o','ip.check_checksum:FALSE','-o','icmp.favor_icmp_mpls:FALSE','-T','fields','-E','separator=/t','-E','occurrence=a','-E','aggregator=;']
        for x in F: cmd+=['-e',x]
        r=subprocess.run(cmd,capture_output=True,text=True,errors='replace')
        o.write_text(r.stdout)
    return [dict(zip(F,l.split('\t'))) for l in o.read_text().splitlines()]
def one(v): return v.split(';')[0] if v else None
def num(v):
    v=one(v)
    if v in (None,''): return None
    if v in('True','False'): return int(v=='True')
    return int(v,0)
rows=list(csv.DictReader(open(ROOT/'INDEX.csv')))
only=sys.argv[1:]
rows=[r for r in rows if r['packets'] and (not only or any(o in r['file'] for o in only))]
with ThreadPoolExecutor(2) as ex: ts=dict(zip([r['file'] for r in rows],ex.map(lambda r:tshark(r['file']),rows)))
opt=ReadOptions(zone=ZoneInfo('UTC'))
tot=0; diffs=Counter(); shown=Counter()
def show(kind,f,n,*a):
    diffs[kind]+=1
    if shown[kind]<60: shown[kind]+=1; print(kind,f,'#%d'%n,*a)
for r in rows:
    f=r['file']; p=ROOT/f
    src=_input.inputs([str(p)],Reading())[0]
    m=readers.pick(src.head(),'auto',str(p))
    ours={}; base=0; outc=[]
    for ch in m.read(src,opt):
        e=addresses_as_text(ch.events).to_dicts()
        for i,x in zip(ch.event_line.tolist(),e): ours[base+i+1]=x
        outc+= [m.REASONS.get(o) or m.KINDS.get(o) for o in ch.outcome.tolist()]
        base+=len(ch.outcome)
    if 'test018' in f or 'test202' in f: continue
    for t in ts[f]:
        n=int(t['frame.number']); tot+=1
        o=ours.get(n); protos=t['frame.protocols']
        v4,v6=t['ip.src'],t['ipv6.src']
        pl=protos.split(':')
        first=next((x for x in pl if x in('ip','ipv6')),None)
        if first=='ip' and not v4 and v6: first='ipv6'; 
        has=(first=='ip' and v4) or (first=='ipv6' and v6)
        if o is None:
            if has: show('MISSING',f,n,outc[n-1] if n<=len(outc) else None,protos[:70],one(v4),one(v6))
            continue
        if not has: show('EXTRA',f,n,protos[:80],o['src_ip'],o['protocol']); continue
        if o['time_basis']=='stated' and abs(o['time'].timestamp()-float(t['frame.time_epoch'] or 0))>2e-6: show('time',f,n,o['time'],t['frame.time_epoch'])
        def cmp(name,want,col=None):
            got=o[col or name]
            if got!=want: show(name,f,n,'ours',got,'tshark',want,protos[:60])
        if first=='ip':
            cmp('src_ip',one(v4)); cmp('dst_ip',one(t['ip.dst'])); cmp('protocol',num(t['ip.proto'])); cmp('ttl',num(t['ip.ttl'])); cmp('ip_id',num(t['ip.id'])); cmp('ip_len',num(t['ip.len']))
            fl=[num(t['ip.flags.'+x]) for x in('rb','df','mf')]
            cmp('ip_flags',None if fl[0] is None else fl[0]*4+fl[1]*2+fl[2]); 
            w=num(t['ip.frag_offset']); cmp('frag_offset',None if w is None else w*8)
        else:
            cmp('src_ip',one(v6)); cmp('dst_ip',one(t['ipv6.dst'])); cmp('ttl',num(t['ipv6.hlim']))
            pn=num(t['ipv6.plen']); cmp('ip_len',None if pn is None else pn+40)
            if num(t['ipv6.fraghdr.offset']) is not None: cmp('frag_offset',num(t['ipv6.fraghdr.offset'])*8)
        # what follows
        i=pl.index(first) if first in pl else 0; rest=[x for x in pl[i+1:]]
        while rest and rest[0].startswith('ipv6.'): rest=rest[1:]
        l4=rest[0] if rest else None
        q=o['protocol']; frag=(o['frag_offset'] or 0)>0
        if q==6 and l4=='tcp' and not frag:
            for a,b in(('src_port','tcp.srcport'),('dst_port','tcp.dstport'),('tcp_seq','tcp.seq_raw'),('tcp_ack','tcp.ack_raw'),('tcp_window','tcp.window_size_value')): cmp(b,num(t[b]),a)
            w=num(t['tcp.flags']); cmp('tcp.flags',None if w is None else w&0x1ff,'tcp_flags')
            h=num(t['tcp.hdr_len']); cmp('tcp.hdr',None if h is None or h<20 else h-20,'tcp_opt_len')
        elif q==17 and l4 in('udp',) and not frag:
            cmp('udp.srcport',num(t['udp.srcport']),'src_port'); cmp('udp.dstport',num(t['udp.dstport']),'dst_port')
        elif q==1 and l4=='icmp' and not frag:
            cmp('icmp.type',num(t['icmp.type']),'icmp_type'); cmp('icmp.code',num(t['icmp.code']),'icmp_code')
            vs=v4.split(';')
            if len(vs)>1 and rest[1:2]==['ip']:
                cmp('inner_src',vs[1],'inner_src_ip'); cmp('inner_dst',t['ip.dst'].split(';')[1],'inner_dst_ip'); cmp('inner_proto',int(t['ip.proto'].split(';')[1]),'inner_protocol')
                if rest[2:3]==['tcp']: cmp('inner_spt',num(t['tcp.srcport']),'inner_src_port');cmp('inner_dpt',num(t['tcp.dstport']),'inner_dst_port')
                if rest[2:3]==['udp']: cmp('inner_spt',num(t['udp.srcport']),'inner_src_port');cmp('inner_dpt',num(t['udp.dstport']),'inner_dst_port')
            elif o['inner_src_ip']: show('inner_extra',f,n,protos[:70],o['inner_src_ip'])
        elif q==58 and l4=='icmpv6' and not frag:
            cmp('icmpv6.type',num(t['icmpv6.type']),'icmp_type'); cmp('icmpv6.code',num(t['icmpv6.code']),'icmp_code')
            vs=v6.split(';')
            if len(vs)>1 and rest[1:2]==['ipv6']:
                cmp('inner_src6',vs[1],'inner_src_ip')
            elif o['inner_src_ip']: show('inner_extra6',f,n,protos[:70],o['inner_src_ip'])
        elif q==132 and l4=='sctp' and not frag:
            cmp('sctp.srcport',num(t['sctp.srcport']),'src_port'); cmp('sctp.dstport',num(t['sctp.dstport']),'dst_port')
        elif q in(6,17,1,58,132) and not frag: 
            show('L4',f,n,q,l4,protos[:60],o['src_port'],o['dst_port'],o['icmp_type'])
print(tot,diffs)
