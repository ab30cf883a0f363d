-- key: PatientLinkNum
-- changed: DateTimeLink
-- Merged charts: PatNumFrom went into PatNumTo. Other link types (clones, payment plans) are no merges.
select l.PatientLinkNum, l.PatNumFrom, l.PatNumTo, l.DateTimeLink
from patientlink l
where l.LinkType = 1
