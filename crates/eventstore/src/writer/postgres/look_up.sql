-- All branches of one statement see the same moment. `what` tells them apart.
SELECT 0 AS what, xmin::text AS a, NULL::text AS b, NULL::text AS c, NULL::bytea AS x, NULL::bytea AS y, position AS n
FROM head
UNION ALL
SELECT 1, r.request_id, r.caller, r.rpc, r.content, r.answer, 0
FROM unnest($1::text[], $2::text[], $3::text[]) AS q (request_id, caller, rpc)
CROSS JOIN LATERAL (
    SELECT * FROM requests WHERE request_id = q.request_id AND caller = q.caller AND rpc = q.rpc LIMIT 1
) AS r
UNION ALL
SELECT 2, event_id, consumer, NULL, NULL, NULL, parked FROM inbox WHERE event_id = ANY ($4::text[])
UNION ALL
SELECT 3, key, stream_id, NULL, NULL, NULL, 0 FROM claims WHERE key = ANY ($5::text[])
UNION ALL
SELECT 4, q.consumer, q.owner, NULL, NULL, NULL, coalesce(
    (SELECT position FROM cursors AS c WHERE c.consumer = q.consumer AND c.owner = q.owner), 0)
FROM unnest($6::text[], $7::text[]) AS q (consumer, owner)
UNION ALL
SELECT 5, q.consumer, q.owner, NULL, NULL, NULL, i.position
FROM unnest($6::text[], $7::text[]) AS q (consumer, owner)
CROSS JOIN LATERAL (
    SELECT position FROM inbox
    WHERE consumer = q.consumer AND owner = q.owner AND position > coalesce(
        (SELECT position FROM cursors AS c WHERE c.consumer = q.consumer AND c.owner = q.owner), 0)
    ORDER BY position LIMIT $8
) AS i
