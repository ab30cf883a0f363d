-- key: PatientLinkNum
-- changed: DateTimeLink
-- The API has no list of merges; where the office allows queries (parameter "queries"), this one is asked for.
select l.PatientLinkNum, l.PatNumFrom, l.PatNumTo, l.DateTimeLink
from patientlink l
where l.LinkType = 1
