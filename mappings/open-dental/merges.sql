-- key: PatientLinkNum
-- changed: DateTimeLink
-- Merged charts: PatNumFrom went into PatNumTo. Other link types (clones, payment plans) are no merges. DateTimeLink is a
-- datetime in the server's own zone, not a timestamp: it is brought into the session's, in which the engine asks.
select l.PatientLinkNum, l.PatNumFrom, l.PatNumTo,
       convert_tz(l.DateTimeLink, @@global.time_zone, @@session.time_zone) as DateTimeLink
from patientlink l
where l.LinkType = 1
