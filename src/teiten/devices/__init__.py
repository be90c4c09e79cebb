"""What sources are: families of devices by evidence that is given, how many devices stand behind the addresses, and a survey.

patterns, signatures    what evidence tells which family: data in files, matched in linear time
formats, reading        results of Shodan, Censys, ZGrab2, nmap and UPnP descriptions -> rows of evidence
asked, churn            devices among the sources by day; unique devices against unique addresses
survey                  asks sources itself, where a written permission names them
"""
