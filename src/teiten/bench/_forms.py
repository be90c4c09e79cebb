"""Logs of every format that is read as text: a line of each with what changes in it, and the regular expression of it.

The lines are made up after the devices' documentation; addresses are of the ranges for examples. What changes: source and
destination (@S@, @D@), their ports (@P@, @Q@), the clock (@H@, or @E@: seconds since 1970).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HEADERS: Final = {
    "aws_flow": "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
    "nfdump": "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out",
    "windows_firewall": "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action"
    " protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path pid",
}
"""format -> the lines that a file of it begins with"""
LINES: Final = {
    "adbhoney": '{"eventid": "adbhoney.session.connect", "src_ip": "@S@", "src_port": @P@, "dst_ip": "@D@", "dst_port": "@Q@",'
    ' "timestamp": "2026-04-01T@H@.123457Z", "unixtime": 1795392001, "session": "a1b2c3d4e5f6", "sensor": "hp"}',
    "aws_flow": "5 eni-1235b8ca123456789 @S@ @D@ @P@ @Q@ 6 3 180 @E@ @E@ REJECT OK",
    "cef": "Apr  1 @H@ gw CEF:0|Ubiquiti|UniFi Network|9.3.45|201|Threat Detected and Blocked|7|proto=TCP src=@S@ spt=@P@ "
    "dst=@D@ dpt=@Q@ deviceInboundInterface=eth8 UNIFIutcTime=2026-04-01T@H@.250Z msg=a connection was blocked",
    "cisco": "Apr 01 2026 @H@ fw1 : %ASA-4-106023: Deny tcp src outside:@S@/@P@ dst inside:@D@/@Q@ by access-group"
    ' "outside_in" [0x0, 0x0]',
    "conpot": '{"timestamp": "2026-04-01T@H@.123457", "sensorid": "default", "id": "3f1ad0a7-7d43-4bb1-8a8d-000000000001",'
    ' "src_ip": "@S@", "src_port": @P@, "dst_ip": "@D@", "dst_port": @Q@, "public_ip": null, "data_type": "modbus", "request":'
    ' null, "response": null, "event_type": "NEW_CONNECTION"}',
    "cowrie": '{"eventid": "cowrie.session.connect", "src_ip": "@S@", "session": "d051258efd62", "sensor": "hp", "uuid": "u",'
    ' "timestamp": "2026-04-01T@H@.123457Z", "message": "m", "src_port": @P@, "dst_ip": "@D@", "dst_port": @Q@,'
    ' "protocol": "ssh"}',
    "dionaea": '{"connection": {"protocol": "mysqld", "transport": "tcp", "type": "accept"}, "dst_ip": "@D@", "dst_port": @Q@,'
    ' "src_hostname": "", "src_ip": "@S@", "src_port": @P@, "timestamp": "2026-04-01T@H@.123457"}',
    "elasticpot": '{"eventid":"elasticpot.recon","message":"Scan","url":"/_search","timestamp":"2026-04-01T@H@.123457Z",'
    '"src_ip":"@S@","src_port":@P@,"dst_port":@Q@,"sensor":"hp","request":"GET","dst_ip":"@D@"}',
    "exchange": '{"teiten":"exchange","v":1,"kind":"open","id":"00000000000000aa","time":"2026-04-01T@H@.000001Z","src":"@S@",'
    '"sport":@P@,"dst":"@D@","dport":@Q@,"service":"telnet"}',
    "filterlog": "<134>1 2026-04-01T@H@+02:00 fw.example.net filterlog 69805 - - 98,,,02f4bab031b57d1e,re0,match,block,in,4"
    ",0x0,,51,54321,0,none,6,tcp,40,@S@,@D@,@P@,@Q@,0,S,349929896,,64240,,mss",
    "fortigate": '<189>date=2026-04-01 time=@H@ devname="fgt" devid="FG1" logid="0000000013" type="traffic" subtype="forward"'
    ' level="notice" vd="root" tz="+0900" srcip=@S@ srcport=@P@ srcintf="wan1" srcintfrole="wan" dstip=@D@ dstport=@Q@'
    ' dstintf="port11" proto=6 action="deny" policyid=0 sentbyte=60 rcvdbyte=0 sentpkt=1 duration=0',
    "gcp_flow": '{"insertId":"a","jsonPayload":{"bytes_sent":"1776","connection":{"dest_ip":"@D@","dest_port":@Q@,"protocol":6,'
    '"src_ip":"@S@","src_port":@P@},"end_time":"2026-04-01T@H@.712123456Z","packets_sent":"14","reporter":"DEST","start_time":'
    '"2026-04-01T@H@Z"},"logName":"projects/p/logs/compute.googleapis.com%2Fvpc_flows","timestamp":"2026-04-01T@H@Z"}',
    "heralding": "2026-04-01 @H@.123457,0f0e3b4e-6d4a-4d67-9d5b-000000000001,0f0e3b4e-6d4a-4d67-9d5b-000000000002,@S@,@P@,@D@,"
    "@Q@,ftp,root,xc3511,",
    "honeytrap": '{"timestamp": "2026-04-01T@H@.123457+0000", "operation_mode": 1, "is_virtual": false, "attack_connection":'
    ' {"local_ip": "@D@", "local_port": @Q@, "remote_ip": "@S@", "remote_port": @P@, "protocol": "tcp", "payload":'
    ' {"length": 0, "md5_hash": "", "sha512_hash": "", "data_hex": ""}}}',
    "honeytrap_go": '{"category":"telnet","date":"2026-04-01T@H@.123456789+09:00","destination-ip":"@D@",'
    '"destination-port":@Q@,"sensor":"services","source-ip":"@S@","source-port":@P@,"telnet.sessionid":"x","token":"bq9k0i",'
    '"type":"connect"}',
    "ipfix_text": '{"flows":{"flowStartMilliseconds":"2026-04-01 @H@.127Z","flowEndMilliseconds":"2026-04-01 @H@.928Z",'
    '"sourceIPv4Address":"@S@","destinationIPv4Address":"@D@","sourceTransportPort":@P@,"destinationTransportPort":@Q@,'
    '"protocolIdentifier":6,"packetTotalCount":2,"octetTotalCount":80,"initialTCPFlags":"S","unionTCPFlags":"0"}}',
    "juniper": '<14>1 2026-04-01T@H@.000+01:00 srx RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.36 source-address="@S@"'
    ' source-port="@P@" destination-address="@D@" destination-port="@Q@" service-name="junos-telnet" protocol-id="6"'
    ' icmp-type="0" policy-name="deny" packet-incoming-interface="ge-0/0/0.0" encrypted="No"]',
    "mailoney": '{"timestamp": "2026-04-01T@H@.000000Z", "src_ip": "@S@", "src_port": @P@, "data": "EHLO x"}',
    "mikrotik": "Apr  1 @H@ gw firewall,info: DROP input: in:pppoe-out1 out:(none), proto UDP, @S@:@P@->@D@:@Q@, len 65",
    "netscreen": "Apr  1 @H@ ns.example.net ns: NetScreen device_id=ns  [Root]system-notification-00257(traffic):"
    ' start_time="2026-04-01 @H@" duration=0 policy_id=320001 service=tcp proto=6 src zone=Untrust dst zone=self action=Deny'
    " sent=0 rcvd=46 src=@S@ dst=@D@ src_port=@P@ dst_port=@Q@ session_id=0",
    "nfdump": "2026-04-01 @H@,2026-04-01 @H@,63.545,@S@,@D@,@P@,@Q@,TCP,......S.,0,0,3,120,0,0,1,2",
    "opencanary": '{"dst_host": "@D@", "dst_port": @Q@, "local_time": "2026-04-01 @H@.123457", "logdata": {"SESSION": "7"},'
    ' "logtype": 4000, "node_id": "opencanary-1", "src_host": "@S@", "src_port": @P@, "utc_time": "2026-04-01 @H@.123457"}',
    "sonicwall": '<134>id=firewall sn=0006B1234567 time="2026-04-01 @H@ UTC" fw=203.0.113.1 pri=6 c=64 m=36'
    ' msg="TCP connection dropped" n=1 src=@S@:@P@:X1:host.example dst=@D@:@Q@:X1 proto=tcp/telnet note="TCP SYN"',
    "suricata_eve": '{"timestamp":"2026-04-01T@H@.378379+0000","flow_id":1,"in_iface":"eth0","event_type":"flow","src_ip":'
    '"@S@","src_port":@P@,"dest_ip":"@D@","dest_port":@Q@,"proto":"TCP","flow":{"pkts_toserver":2,"pkts_toclient":1,'
    '"bytes_toserver":108,"bytes_toclient":54,"start":"2026-04-01T@H@.714860+0000","end":"2026-04-01T@H@.733121+0000","age":0,"state":"closed"},'
    '"tcp":{"tcp_flags":"16","tcp_flags_ts":"06","tcp_flags_tc":"14","syn":true,"rst":true,"ack":true,"state":"closed"}}',
    "tanner": '{"method": "GET", "path": "/index.html?a=1", "headers": {"host": "198.51.100.1", "user-agent": "curl/8"},'
    ' "uuid": "78e51180-bf0d-4757-8a04-f000e5efa179", "peer": {"ip": "@S@", "port": @P@}, "status": 200, "cookies": {},'
    ' "response_msg": {"version": "0.6.0", "response": {"message": {"detection": {"name": "index"}}}},'
    ' "timestamp": "2026-04-01T@H@.123457"}',
    "tpot": '{"eventid": "cowrie.session.connect", "src_ip": "@S@", "session": "d051258efd62", "timestamp":'
    ' "2026-04-01T@H@.123457Z", "src_port": @P@, "protocol": "ssh", "dest_ip": "@D@", "dest_port": @Q@, "@version": "1",'
    ' "@timestamp": "2026-04-01T@H@.123Z", "t-pot_ip_ext": "203.0.113.1", "t-pot_hostname": "tp", "type": "Cowrie"}',
    "windows_firewall": "2026-04-01 @H@ DROP UDP @S@ @D@ @P@ @Q@ 78 - - - - - - - RECEIVE 4",
    "zeek_conn": '{"ts":@E@.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"@S@","id.orig_p":@P@,"id.resp_h":"@D@",'
    '"id.resp_p":@Q@,"proto":"tcp","conn_state":"S0","local_orig":false,"local_resp":true,"missed_bytes":0,"history":"S","orig_pkts":1,'
    '"orig_ip_bytes":40,"resp_pkts":0,"resp_ip_bytes":0}',
}
"""format -> a line"""
_BEGIN: Final = 1_775_001_600
_GROUPS: Final = {
    "@S@": r"(?P<src_ip>[0-9.]+)", "@D@": r"(?P<dst_ip>[0-9.]+)", "@P@": r"(?P<src_port>\d+)", "@Q@": r"(?P<dst_port>\d+)",
    "@H@": r"(?P<time>[\d:]+)", "@E@": r"(?P<time>\d+)",
}  # fmt: skip
_TOKEN: Final = re.compile("(@[SDPQHE]@)")


def made(work: Path, name: str, lines: int) -> Path:
    """A log of that format, so many lines beside its header; the same every time."""
    path = work / f"{name}-{lines}.log"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            if name in HEADERS:
                file.write(HEADERS[name] + "\n")
            for n in range(lines):
                # sources that come again, as scanners do, and new ones
                source = n * 2_654_435_761 % 50_000 if n % 2 else n
                at = n * 86_400 // lines
                words = {
                    "@S@": f"198.{18 + source % 2}.{source >> 8 & 255}.{source & 255}", "@D@": f"203.0.113.{n % 250}",
                    "@P@": str(1024 + n * 7919 % 64_000), "@Q@": str((23, 22, 445, 8080, 5555)[n % 5]),
                    "@H@": f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}", "@E@": str(_BEGIN + at),
                }  # fmt: skip
                file.write(_TOKEN.sub(lambda found, words=words: words[found[0]], LINES[name]) + "\n")  # type: ignore[misc]
    return path


def expression(name: str) -> str:
    """The regular expression of the format's line, made for that very line: what is told twice is taken once."""
    out, had = "", set()
    for part in _TOKEN.split(LINES[name]):
        if part not in _GROUPS:
            out += re.escape(part)
        elif part in had:
            out += _GROUPS[part].replace("?P<", "?:", 1).replace("time>", "")
        else:
            had.add(part)
            out += _GROUPS[part]
    return f"^{out}$"
