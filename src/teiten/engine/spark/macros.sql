-- Macros in Spark's SQL, where its text differs from that of ../macros.sql: products of 64 bits wrap round by themselves there,
-- and there are no unsigned numbers. What they mean stands there.

CREATE MACRO _times(a, b) AS (a) * (b);
CREATE MACRO _plus(a, b) AS (a) + (b);
CREATE MACRO _hex_number(h) AS CAST(conv(h, 16, -10) AS BIGINT);
CREATE MACRO _turned(v, bits) AS transform(array(v), x -> shiftleft(x, bits) | shiftrightunsigned(x, 64 - bits))[0];
CREATE MACRO _shaken(v) AS transform(array(v), x -> x ^ shiftrightunsigned(x, 33))[0];
CREATE MACRO _finished(a, b, length) AS transform(array(struct((a) ^ CAST(length AS BIGINT) AS a, (b) ^ CAST(length AS BIGINT) AS b)),
  s -> transform(array(s.a + s.b), h -> shiftrightunsigned(_mixed(h) + _mixed(s.b + h), 1))[0])[0];
CREATE MACRO _little_endian(h) AS CAST(conv(hex(reverse(unhex(h))), 16, -10) AS BIGINT);
CREATE MACRO ipv4_number(bytes) AS CASE octet_length(bytes) WHEN 4 THEN CAST(conv(hex(bytes), 16, 10) AS BIGINT) END;
CREATE MACRO prefix_last(first, bits) AS transform(array(hex(first)), h -> unhex(concat(
  left(h, bits DIV 4),
  CASE WHEN bits % 4 = 0 THEN ''
       ELSE substring('0123456789ABCDEF', (CAST(conv(substring(h, bits DIV 4 + 1, 1), 16, 10) AS INT) | shiftright(15, bits % 4)) + 1, 1) END,
  repeat('F', length(h) - (bits + 3) DIV 4))))[0];
CREATE MACRO histogram(value) AS transform(array(collect_list(value)), l -> map_from_entries(transform(
  array_sort(array_distinct(l)), d -> struct(d, CAST(size(filter(l, v -> v = d)) AS BIGINT)))))[0];
CREATE MACRO _theta_union(host, theta) AS transform(array(named_struct('hosts', collect_set(host), 'theta', min(theta))), s ->
  named_struct(
    'n', size(CASE WHEN s.theta = 9223372036854775807 OR s.theta IS NULL THEN s.hosts ELSE filter(s.hosts, h -> h < s.theta) END),
    'share', coalesce(s.theta, 9223372036854775807) / CAST(9223372036854775807 AS DOUBLE)))[0];
