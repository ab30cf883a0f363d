-- key: APPTID
-- changed: CHANGED
-- The book may hold somebody who has no chart yet (patid 0): nobody's visit until there is one.
select a.apptid as APPTID, a.patid as PATID, a.apptdate as APPTDATE, v.start_hour as START_HOUR,
       v.start_minute as START_MINUTE, a.apptlen as APPTLEN, a.status as STATUS, a.brokendate as BROKENDATE,
       a.provid as PROVID, a.automodifiedtimestamp as CHANGED
from admin.appt a
left join admin.v_appointment v on v.appointment_id = a.apptid
where a.patid <> 0
