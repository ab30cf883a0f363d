-- key: APPTID
-- changed: CHANGED
-- Deleted appointments: their history is all that is left of them. Where an office's login may not read it, remove this file:
-- the nightly comparison finds them, too.
select h.apptid as APPTID, h.automodifiedtimestamp as CHANGED
from admin.appthist h
where h.deletedflag = 1
