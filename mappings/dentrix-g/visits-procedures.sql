-- key: PROCID
-- changed: CHANGED
-- What was done.
select l.procid as PROCID, l.patid as PATID, l.procdate as PROCDATE, c.adacode as ADACODE, l.provid as PROVID,
       l.automodifiedtimestamp as CHANGED
from admin.fullproclog l
left join admin.proccode c on c.proccodeid = l.proccodeid
where l.chartstatus = 102
