-- key: PROCID
-- changed: CHANGED
-- The ledger: completed procedures (chart status 102), and 90 for payments (class 1), adjustments (2) and insurers' payments (3).
select l.procid as PROCID, l.patid as PATID, l.guarid as GUARID, l.procdate as PROCDATE, l.chartstatus as CHARTSTATUS,
       l.proclogclass as PROCLOGCLASS, l.amt as AMT, c.adacode as ADACODE, l.provid as PROVID,
       l.automodifiedtimestamp as CHANGED
from admin.fullproclog l
left join admin.proccode c on c.proccodeid = l.proccodeid
where l.chartstatus in (90, 102)
