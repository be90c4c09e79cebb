-- SQL functions that every session has. Addresses are 4 or 16 bytes inside, text outside (RFC 5952, as inet_ntop writes it).
-- A macro is pasted in wherever it is used, so each takes its argument once and hands it on by name through a lambda:
-- otherwise nested ones would grow beyond all measure.

CREATE MACRO _ipv4_text(v) AS
  list_transform([v], lambda n: (n >> 24) || '.' || ((n >> 16) & 255) || '.' || ((n >> 8) & 255) || '.' || (n & 255))[1];

CREATE MACRO _hex_number(h) AS ('0x' || h)::UBIGINT;

-- '20010db80000...' -> groups without leading zeros
CREATE MACRO _ipv6_groups(h) AS
  regexp_replace(regexp_replace(h, '(....)(....)(....)(....)(....)(....)(....)(....)', '\1:\2:\3:\4:\5:\6:\7:\8'),
                 '(^|:)0{1,3}', '\1', 'g');

-- the longest run of two or more zero groups, the first of equals, becomes '::'
CREATE MACRO _ipv6_short(groups) AS list_transform([groups], lambda g: CASE
  WHEN NOT contains(g, '0:0') THEN g
  WHEN regexp_matches(g, '(^|:)0(:0){7}(:|$)') THEN '::'
  WHEN regexp_matches(g, '(^|:)0(:0){6}(:|$)') THEN regexp_replace(g, '(^|:)0(:0){6}(:|$)', '::')
  WHEN regexp_matches(g, '(^|:)0(:0){5}(:|$)') THEN regexp_replace(g, '(^|:)0(:0){5}(:|$)', '::')
  WHEN regexp_matches(g, '(^|:)0(:0){4}(:|$)') THEN regexp_replace(g, '(^|:)0(:0){4}(:|$)', '::')
  WHEN regexp_matches(g, '(^|:)0(:0){3}(:|$)') THEN regexp_replace(g, '(^|:)0(:0){3}(:|$)', '::')
  WHEN regexp_matches(g, '(^|:)0(:0){2}(:|$)') THEN regexp_replace(g, '(^|:)0(:0){2}(:|$)', '::')
  WHEN regexp_matches(g, '(^|:)0:0(:|$)') THEN regexp_replace(g, '(^|:)0:0(:|$)', '::')
  ELSE g END)[1];

CREATE MACRO _ipv6_text(hexes) AS list_transform([hexes], lambda h: CASE
  WHEN starts_with(h, '00000000000000000000ffff') THEN '::ffff:' || _ipv4_text(_hex_number(h[25:32]))
  WHEN starts_with(h, '000000000000000000000000') AND h[25:28] <> '0000' THEN '::' || _ipv4_text(_hex_number(h[25:32]))
  ELSE _ipv6_short(_ipv6_groups(h)) END)[1];

-- bytes -> text
CREATE MACRO address_text(bytes) AS list_transform([hex(bytes)], lambda x: CASE length(x)
  WHEN 8 THEN _ipv4_text(_hex_number(x))
  WHEN 32 THEN _ipv6_text(lower(x)) END)[1];

CREATE MACRO _ipv4_bytes(t) AS list_transform([string_split(t, '.')], lambda p:
  unhex(printf('%02x%02x%02x%02x', p[1]::INTEGER, p[2]::INTEGER, p[3]::INTEGER, p[4]::INTEGER)))[1];

-- an IPv4 tail ('::ffff:1.2.3.4') as two groups
CREATE MACRO _ipv6_plain(text) AS list_transform([text], lambda t: CASE WHEN contains(t, '.')
  THEN regexp_replace(t, '[^:]*$', '')
       || regexp_replace(lower(hex(_ipv4_bytes(regexp_extract(t, '[^:]*$')))), '(....)(....)', '\1:\2')
  ELSE t END)[1];
CREATE MACRO _hex_groups(text) AS
  array_to_string(list_transform(list_filter(string_split(text, ':'), lambda g: g <> ''), lambda g: lpad(g, 4, '0')), '');
CREATE MACRO _ipv6_bytes(text) AS list_transform([string_split(text, '::')], lambda p:
  unhex(rpad(_hex_groups(p[1]), (32 - length(_hex_groups(coalesce(p[2], ''))))::INTEGER, '0')
        || _hex_groups(coalesce(p[2], ''))))[1];

-- text -> bytes, so that addresses can be compared in order
CREATE MACRO address_bytes(address) AS list_transform([address], lambda a: CASE
  WHEN contains(a, ':') THEN _ipv6_bytes(_ipv6_plain(a))
  ELSE _ipv4_bytes(a) END)[1];

-- is an address (text) one of first..last (both inclusive, text)?
CREATE MACRO in_range(address, first, last) AS list_transform([address_bytes(address)], lambda b:
  octet_length(b) = octet_length(address_bytes(first))
  AND b BETWEEN address_bytes(first) AND address_bytes(last))[1];

-- the last address (bytes) of a prefix: the bits beyond its length are all 1
CREATE MACRO prefix_last(first, bits) AS list_transform([hex(first)], lambda h: unhex(
  left(h, bits // 4)
  || CASE WHEN bits % 4 = 0 THEN ''
          ELSE substr('0123456789ABCDEF', (('0x' || substr(h, bits // 4 + 1, 1))::INTEGER | (15 >> (bits % 4))) + 1, 1) END
  || repeat('F', length(h) - (bits + 3) // 4)))[1];

-- is an address (bytes) inside that prefix?
CREATE MACRO in_prefix(address, first, bits) AS
  octet_length(address) = octet_length(first) AND address BETWEEN first AND prefix_last(first, bits);

-- an IPv4 address (bytes) as a number, such as compares with tcp_seq; null for IPv6
CREATE MACRO ipv4_number(bytes) AS CASE octet_length(bytes) WHEN 4 THEN bytes::BIT::UINTEGER::BIGINT END;

-- an address (bytes) as it is; null for 0.0.0.0 and ::, which stand where a log does not say to which address something came
CREATE MACRO told_address(bytes) AS nullif(nullif(bytes, unhex('00000000')), unhex('00000000000000000000000000000000'));

-- the /24 (IPv4) or /48 (IPv6) of an address (bytes), as the digits that it begins with; and such digits as text
CREATE MACRO source_prefix(bytes) AS list_transform([hex(bytes)], lambda x: left(x, CASE length(x) WHEN 8 THEN 6 ELSE 12 END))[1];
CREATE MACRO prefix_text(digits) AS list_transform([digits], lambda d: CASE length(d)
  WHEN 6 THEN address_text(unhex(d || '00')) || '/24'
  WHEN 12 THEN address_text(unhex(rpad(d, 32, '0'))) || '/48' END)[1];

-- Sketches of hosts: theta sketches as Apache DataSketches makes them (seed 9001). A source's hash is the half of its
-- MurmurHash3_x64_128 (Austin Appleby, public domain), of an IPv4 address as a whole number of 8 bytes, of an IPv6 address
-- as its 16 bytes. Sums and products of 64 bits wrap round.
CREATE MACRO _times(a, b) AS ((a::UHUGEINT * b::UHUGEINT) & 18446744073709551615::UHUGEINT)::UBIGINT;
CREATE MACRO _plus(a, b) AS ((a::UHUGEINT + b::UHUGEINT) & 18446744073709551615::UHUGEINT)::UBIGINT;
CREATE MACRO _turned(v, bits) AS list_transform([v], lambda x: (_times(x, 1::UBIGINT << bits) | (x >> (64 - bits))))[1];
CREATE MACRO _shaken(v) AS list_transform([v], lambda x: xor(x, x >> 33))[1];
CREATE MACRO _mixed(k) AS
  _shaken(_times(_shaken(_times(_shaken(k), 18397679294719823053::UBIGINT)), 14181476777654086739::UBIGINT));
CREATE MACRO _finished(a, b, length) AS
  list_transform([{'a': xor(a, length::UBIGINT), 'b': xor(b, length::UBIGINT)}], lambda s:
    list_transform([_plus(s.a, s.b)], lambda h: _plus(_mixed(h), _mixed(_plus(s.b, h))) >> 1)[1])[1]::BIGINT;
CREATE MACRO _word_1(k) AS _times(_turned(_times(k, 9782798678568883157::UBIGINT), 31), 5545529020109919103::UBIGINT);
CREATE MACRO _word_2(k) AS _times(_turned(_times(k, 5545529020109919103::UBIGINT), 33), 9782798678568883157::UBIGINT);
CREATE MACRO _hash_of_4(number) AS _finished(xor(9001::UBIGINT, _word_1(number::UBIGINT)), 9001::UBIGINT, 8);
CREATE MACRO _little_endian(h) AS
  ('0x' || h[15:16] || h[13:14] || h[11:12] || h[9:10] || h[7:8] || h[5:6] || h[3:4] || h[1:2])::UBIGINT;
CREATE MACRO _hash_of_16(h) AS list_transform(
  [_plus(_times(_plus(_turned(xor(9001::UBIGINT, _word_1(_little_endian(h[1:16]))), 27), 9001::UBIGINT), 5), 1390208809)],
  lambda a: _finished(
    a, _plus(_times(_plus(_turned(xor(9001::UBIGINT, _word_2(_little_endian(h[17:32]))), 31), a), 5), 944331445), 16))[1];
CREATE MACRO theta_hash(address) AS
  CASE octet_length(address) WHEN 4 THEN _hash_of_4(ipv4_number(address)) WHEN 16 THEN _hash_of_16(hex(address)) END;

-- aggregates: the union of sketches given as their hashes and thetas (2^63 - 1: nothing was left out)
CREATE MACRO _theta_union(host, theta) AS list_transform([{'hosts': list(DISTINCT host), 'theta': min(theta)}], lambda s:
  {'n': coalesce(len(CASE WHEN s.theta = 9223372036854775807 THEN s.hosts
                          ELSE list_filter(s.hosts, lambda h: h < s.theta) END), 0),
   'share': coalesce(s.theta, 9223372036854775807) / 9223372036854775807.0})[1];
-- distinct hosts
CREATE MACRO theta_hosts(host, theta) AS
  list_transform([_theta_union(host, theta)], lambda u: round(u.n / u.share)::BIGINT)[1];
-- the relative standard error of that number: 0 where it is exact
CREATE MACRO theta_error(host, theta) AS
  list_transform([_theta_union(host, theta)], lambda u: sqrt((1 - u.share) / greatest(u.n, 1)))[1];
